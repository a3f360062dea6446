"""Print the oldest versions that the ranges of pyproject.toml allow, one requirement a line."""

import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

_PROJECT = Path(__file__).parent.parent / "pyproject.toml"


def oldest(text: str) -> str:
    """Return the exact requirement of the lower end of a range."""
    wanted = Requirement(text)
    ends = [each.version for each in wanted.specifier if each.operator == ">="]
    if len(ends) != 1:
        raise ValueError(f"{text}: expected one lower end")
    return f"{wanted.name}=={ends[0]}"


def main() -> None:
    """Print one for each dependency of run time."""
    dependencies = tomllib.loads(_PROJECT.read_text())["project"]["dependencies"]
    sys.stdout.write("# Lower ends of the ranges in pyproject.toml; `make lock` writes this.\n")
    for text in dependencies:
        sys.stdout.write(f"{oldest(text)}\n")


if __name__ == "__main__":
    main()
