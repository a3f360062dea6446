"""Poll the sources, remember their jobs, and publish whole snapshots of what is known.

`collector` is the loop and the only module here that waits; everything it decides by is pure.
"""
