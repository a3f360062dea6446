"""Give the tests a real Prometheus, a real Alertmanager, and somebody for them to notify."""
