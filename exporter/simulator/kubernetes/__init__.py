"""Stand in for a Kubernetes API server that holds the resources of the Flink operator."""
