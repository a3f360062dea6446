"""Put the exporter together: sources, what is known of them, and the page that tells of it."""

from exporter.app.application import App

__all__ = ["App"]
