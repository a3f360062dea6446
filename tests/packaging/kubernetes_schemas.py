"""Hold objects, a JSON list on stdin, against the schemas of every version of Kubernetes from 1.27.

Runs in .venv-packaging. Prints a line for each object that is wrong in a version, which begins with
`object` and its place in the list. Strictly: what a schema does not know is wrong, and so is a kind
that it has not. With `--versions` it prints these.
"""

import json
import sys
from typing import Any

import kubernetes_validate

OLDEST = 27


def versions() -> list[str]:
    """Return the versions that there are schemas of, the oldest that is supported first."""
    newest = int(kubernetes_validate.latest_version().split(".")[1])
    return [f"1.{minor}" for minor in range(OLDEST, newest + 1)]


def wrong(found: dict[str, Any], version: str) -> str:
    """Return what is wrong with an object in a version; nothing, if it is fine."""
    try:
        used = kubernetes_validate.validate(found, version, strict=True)
    except Exception as exc:
        return str(getattr(exc, "message", exc)) or type(exc).__name__
    # It takes another in place of a version that it does not have.
    return "" if used == version else f"was judged as of {used}"


def main(arguments: list[str]) -> None:
    """Print what is asked for."""
    if arguments == ["--versions"]:
        sys.stdout.write("\n".join(versions()) + "\n")
        return
    objects = json.load(sys.stdin)
    for version in versions():
        for number, each in enumerate(objects):
            if told := wrong(each, version):
                sys.stdout.write(f"object{number}: {version}: {each.get('kind')}: {told}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
