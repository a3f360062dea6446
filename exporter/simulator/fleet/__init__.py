"""Script the jobs that all simulated clouds show: who they are and what becomes of them when."""
