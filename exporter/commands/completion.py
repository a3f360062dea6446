"""Print what completes commands and flags in a shell.

The scripts are written by `python -m manual.generate`, so that nothing is worked out while somebody
waits for a shell.
"""

import argparse
from importlib.resources import files

from exporter.commands.console import Console
from exporter.runtime import Runtime


def run(options: argparse.Namespace, runtime: Runtime, console: Console) -> int:
    """Print the script of one shell."""
    script = files(__package__) / "completions" / options.SHELL
    console.out.write(script.read_text(encoding="utf-8"))
    return 0
