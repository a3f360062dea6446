"""Find Flink clusters: what they are called, where they answer, and how some of them ended.

A discovery knows no platform and asks no JobManager. What it finds is a whole list each time; one
that fails raises, and then everything stays as it was known. `kinds` lists the ways of finding
clusters and opens them; `admission` says which of what was found may be asked at all, whoever found
it; `refreshing` asks at its interval and remembers what is known, and what left it twice over.
"""
