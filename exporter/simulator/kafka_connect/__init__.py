"""Stand in for Kafka Connect: workers of one cluster, and Confluent Cloud's managed connectors."""
