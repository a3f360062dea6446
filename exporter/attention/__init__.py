"""Decide which jobs have a problem, since when, by which limit: the one place."""
