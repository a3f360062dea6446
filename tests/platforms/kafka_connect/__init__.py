"""What the source of Kafka Connect makes of workers that are well, that are not, and that lie."""
