"""Watch managed streaming jobs and tell Prometheus the truth about each."""

__version__ = "0.1.0"
