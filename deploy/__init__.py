"""Ways to run the exporter; what they share with the rest is written by `deploy.generate`."""
