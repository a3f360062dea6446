"""Read the dashboards as Grafana does, for the tests that hold them to various rules."""
