"""The platform flink_operator, before a simulated API server."""
