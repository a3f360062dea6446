"""Tests of the whole exporter."""
