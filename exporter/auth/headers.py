"""Read and write all headers of a request or an answer at once.

Each look-up in httpx's headers goes through all of them and guesses their encoding anew; a call of
an API needs a dozen of them.
"""

from collections.abc import Mapping

import httpx


def read_headers(headers: httpx.Headers) -> dict[str, str]:
    """Return the headers by lower-case name; those of one name are joined with commas."""
    found: dict[str, str] = {}
    for raw_name, raw_value in headers.raw:
        name, value = raw_name.lower().decode("latin-1"), raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def with_headers(headers: httpx.Headers, changes: Mapping[str, str | None]) -> httpx.Headers:
    """Return the headers with some exchanged, added, or left out where the change is None."""
    changed = {name.lower().encode("ascii") for name in changes}
    kept = [pair for pair in headers.raw if pair[0].lower() not in changed]
    kept += [
        (name.encode("ascii"), value.encode("latin-1"))
        for name, value in changes.items()
        if value is not None
    ]
    return httpx.Headers(kept)
