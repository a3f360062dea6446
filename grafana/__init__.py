"""Dashboards for Grafana, and the short source that generates them."""
