"""Who asks a Kubernetes API server, and where that is written."""
