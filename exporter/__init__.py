"""Watch managed streaming jobs and tell Prometheus the truth about each."""

__version__ = "1.0.0"
