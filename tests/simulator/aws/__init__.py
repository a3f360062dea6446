"""Applications of Amazon Managed Service for Apache Flink, watched in a simulated account."""
