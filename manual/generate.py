"""Write all that is made of the command line and of the settings: `python -m manual.generate`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from exporter.commands.starting import PLATFORMS, headed, starter
from manual import bash, fish, roff, zsh
from manual.command_line import commands, program
from manual.schema import schema

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
COMPLETIONS = ROOT / "exporter" / "commands" / "completions"
SCHEMA = "../docs/exporter.schema.json"
"""Where the schema is, from the examples."""


def generated() -> Iterator[tuple[Path, str]]:
    """Yield each file with its text."""
    whole, parts = program(), commands()
    for shell in (bash, fish, zsh):
        yield COMPLETIONS / shell.__name__.rpartition(".")[2], shell.completion(whole, parts)
    yield ROOT / "man" / "streaming-job-exporter.1", roff.page(whole, parts)
    yield ROOT / "docs" / "exporter.schema.json", schema()
    for platform in PLATFORMS:
        yield EXAMPLES / f"{platform}.yml", headed(starter(platform), SCHEMA)


def main(out: TextIO) -> int:
    """Write all files; return the exit code."""
    for path, text in generated():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        out.write(f"{path.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.stdout))
