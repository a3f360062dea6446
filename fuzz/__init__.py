"""Look for inputs that the exporter stumbles over: `python -m fuzz --runs N TARGET`.

A target is a function that takes any bytes and raises only when something is wrong. A
coverage-guided fuzzer, or a test with the inputs kept in `corpus` and `regressions`, calls it.
"""
