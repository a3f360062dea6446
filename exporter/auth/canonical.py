"""Build request targets in the one form that both the wire and the signatures use.

Percent-encoding is that of RFC 3986: only A-Z a-z 0-9 - _ . ~ stay as they are. Both vendors sign
this form and httpx sends ready-made %XX unchanged, so a target built here is signed as sent.
(`httpx.get(params=...)` writes a blank as "+" and keeps the order given, which breaks signatures.)
"""

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

_UNRESERVED = re.compile(r"[A-Za-z0-9_.~-]*")


def encode(text: str) -> str:
    """Percent-encode one path segment, parameter name or parameter value.

    Raises ValueError when the text holds half of a surrogate pair, which UTF-8 cannot carry.
    """
    # Nearly every text is plain, and `quote` takes several times as long to find that out.
    return text if _UNRESERVED.fullmatch(text) else quote(text, safe="")


def path(*segments: str) -> str:
    """Build a path from its segments: `path("v1", "a b")` is `/v1/a%20b`, `path()` is `/`.

    Raises ValueError for an empty segment, "." and "..": servers and httpx resolve them, so the
    request would reach another resource than the one named.
    """
    for segment in segments:
        if segment in {"", ".", ".."}:
            raise ValueError("a path segment may be neither empty nor made of dots only")
    return "/" + "/".join(encode(segment) for segment in segments)


def query(pairs: Iterable[tuple[str, str]]) -> str:
    """Build a query sorted by name, then by value; names may repeat, values may be empty.

    Sorted before encoding, as the SDKs of both vendors do. No leading "?"; empty without pairs.
    """
    return "&".join(f"{encode(name)}={encode(value)}" for name, value in sorted(pairs))


def split(target: str) -> tuple[str, str]:
    """Split what was sent after the host into its path, as sent, and its query in canonical form.

    A parameter without "=" counts as one with an empty value, as both vendors sign it.
    """
    raw_path, _, raw_query = target.partition("?")
    pairs = (part.partition("=") for part in raw_query.split("&") if part)
    return raw_path or "/", query((unquote(name), unquote(value)) for name, _, value in pairs)
