"""Answers that are too large to be decoded at once."""
