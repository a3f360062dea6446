"""Tests of how each vendor says no."""
