"""Measure what the exporter costs, side by side with what there is to compare it with.

`python -m benchmarks` runs every module of this package that has a function `run`, or those named
on the command line, and writes the tables to `benchmarks/results`.
"""
