"""Say what the dashboards show; `grafana.generate` writes them down as JSON."""
