"""Stand in for YARN: ResourceManagers with failover, and the web proxy to Flink's JobManagers."""
