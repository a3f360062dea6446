"""Stand in for the REST API of a Flink cluster."""
