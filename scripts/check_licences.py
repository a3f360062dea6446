"""Check that every package the exporter needs at run time has a licence that we may pass on.

The packages are followed from the exporter's own metadata, as installed; `--packages NAME ...`
begins with others. Prints each with its licence; exits with 1 when one is not allowed or unknown.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

EXPORTER = "streaming-job-exporter"

ALLOWED = frozenset(
    {
        *("Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "PSF-2.0"),
        # Of the files themselves only, which nobody changes: the certificates of certifi.
        "MPL-2.0",
    }
)
"""Identifiers of SPDX."""

_OLDER_WORDS = {
    "Apache 2": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
"""What packages say that have no expression yet."""

_LICENCES = re.compile(r"[A-Za-z0-9.+-]+")
_JOINTS = frozenset({"AND", "OR", "WITH"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Licensed:
    """One package and what it says of its licence."""

    name: str
    version: str
    licence: str

    @property
    def allowed(self) -> bool:
        """Say whether every licence named is allowed; one that is to be chosen is no exception."""
        named = set(_LICENCES.findall(self.licence)) - _JOINTS
        return bool(named) and named <= ALLOWED


def needed(names: Sequence[str]) -> Iterator[Distribution]:
    """Yield what the packages of these names need, themselves left out, each once.

    Raises PackageNotFoundError when one of them is not installed.
    """
    waiting, seen = list(names), {canonicalize_name(name) for name in names}
    while waiting:
        for text in distribution(waiting.pop()).requires or ():
            requirement = Requirement(text)
            name = canonicalize_name(requirement.name)
            # What belongs to an extra is not there unless somebody asked for it.
            if name in seen or (requirement.marker and not requirement.marker.evaluate()):
                continue
            seen.add(name)
            waiting.append(name)
            yield distribution(name)


def licence_of(package: Distribution) -> Licensed:
    """Return what a package says of its licence: the expression, else older fields."""
    fields = package.metadata
    classifiers = [
        text.rpartition(" :: ")[2]
        for text in fields.get_all("Classifier") or ()
        if text.startswith("License ::")
    ]
    said = fields.get("License-Expression") or fields.get("License") or ""
    # Some put the whole text there.
    if not said or "\n" in said or len(said) > 60:
        said = " AND ".join(_OLDER_WORDS.get(text, text.replace(" ", "-")) for text in classifiers)
    return Licensed(
        name=fields["Name"], version=fields["Version"], licence=_OLDER_WORDS.get(said, said)
    )


def main(arguments: Sequence[str]) -> int:
    """Print the licences; return 1 when one of them is not allowed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", nargs="+", default=[EXPORTER], metavar="NAME")
    try:
        found = [licence_of(each) for each in needed(parser.parse_args(arguments).packages)]
    except PackageNotFoundError as exc:
        print(f"not installed: {exc}", file=sys.stderr)
        return 1
    for each in sorted(found, key=lambda each: each.name.casefold()):
        mark = "" if each.allowed else "  NOT ALLOWED"
        print(f"{each.name:20} {each.version:12} {each.licence or 'says none'}{mark}")
    return 0 if all(each.allowed for each in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
