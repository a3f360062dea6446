"""What the tests of authentication share: a clock, marked secrets, and ways to look closely."""

import json
import traceback
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

FIXTURES = Path(__file__).parents[1] / "fixtures" / "signatures"
MARK = "MARKED"
"""Every sample secret holds this word, so that one look finds any of them."""


class Clock:
    """A clock that only moves when told to."""

    def __init__(self, now: float = 1_704_164_645.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def vectors(vendor: str) -> list[dict[str, Any]]:
    """Return the signatures that the vendor, or its own signer, has published."""
    loaded: list[dict[str, Any]] = json.loads((FIXTURES / f"{vendor}.json").read_text("utf-8"))
    return loaded


def epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


async def drive(
    auth: httpx.Auth, request: httpx.Request, *answers: httpx.Response
) -> list[Mapping[str, str]]:
    """Run an auth flow with ready answers; return the headers of each request it sent."""
    flow = auth.async_auth_flow(request)
    sent: list[Mapping[str, str]] = []
    try:
        sent.append(dict((await flow.__anext__()).headers))
        for answer in answers:
            sent.append(dict((await flow.asend(answer)).headers))
    except StopAsyncIteration:
        pass
    finally:
        await flow.aclose()
    return sent


def everything_told(exc: BaseException) -> str:
    """Return all that a log could show of an exception, its causes and contexts included."""
    texts = []
    current: BaseException | None = exc
    while current is not None:
        texts += [str(current), repr(current), repr(current.args), repr(vars(current))]
        texts += traceback.format_exception(current)
        current = current.__cause__ or current.__context__
    return "\n".join(texts)


# Whatever Python has under the name of a charset, and what it makes of a text of others: nothing,
# bytes, errors of many kinds.
CHARSETS = ("hex", "base64", "zlib", "bz2", "rot13", "idna", "punycode", "undefined", "utf-16")


def said_to_be(response: httpx.Response, charset: str) -> httpx.Response:
    """Return an answer whose head names a charset."""
    response.headers["content-type"] = f"text/plain; charset={charset}"
    return response
