"""Watching many Flink clusters that are found, as one source."""
