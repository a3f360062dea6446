"""Find Flink clusters: what they are called, where they answer, and how some of them ended.

A discovery knows no platform and asks no JobManager. What it finds is a whole list each time; one
that fails or arrives in part raises, and then everything stays as it was known.
"""
