"""Simulate Amazon Web Services: Managed Service for Apache Flink, CloudWatch, STS and metadata."""
