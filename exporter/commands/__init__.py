"""Do what the command line asks for: one module a command, each with a `run`.

`arguments` describes them all. `exporter.cli` imports the one that is named, and no other.
"""
