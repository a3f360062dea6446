"""Ask the metadata service of a cloud server; the same way for every vendor.

The SDKs of Huawei and Alibaba first ask for a session token (version 2 of the service) and go on
without one where the server knows version 1 only; Tencent's service knows no tokens.
"""

import re
from collections.abc import Mapping

import httpx

from exporter.auth import Send
from exporter.errors import CredentialError, FetchError

PLACE = "ECS metadata"
SESSION_SECONDS = "21600"

# On a machine that is no cloud server the address leads nowhere; both SDKs give up this early too.
_TIMEOUT_SECONDS = 3.0
_SESSION = re.compile(r"[\x21-\x7e]+")


async def ask(
    send: Send, method: str, url: str, headers: Mapping[str, str], *, place: str = PLACE
) -> httpx.Response:
    """Send one request; raises CredentialError when there is no answer."""
    timeout = httpx.Timeout(_TIMEOUT_SECONDS).as_dict()
    request = httpx.Request(method, url, headers=headers, extensions={"timeout": timeout})
    try:
        response = await send(request)
        await response.aread()
    except FetchError as exc:
        problem: str = exc.reason
    except httpx.HTTPError as exc:
        problem = type(exc).__name__
    else:
        return response
    raise CredentialError(f"{place}: no answer ({problem})")


def read_text(response: httpx.Response) -> str:
    """Return the text of an answer, without blanks around it.

    Not as its head says: of what a charset may name there, such as hex, zlib or idna, much is no
    charset of Python's, and raises whatever it likes.
    """
    return response.content.decode("utf-8", errors="replace").strip()


def read_session(response: httpx.Response, *, place: str = PLACE) -> str:
    """Return the session token of an answer; raises CredentialError when it is none.

    A proxy that answers in place of the service sends a page, which no header could carry.
    """
    text = read_text(response)
    if not _SESSION.fullmatch(text):
        raise CredentialError(f"{place}: the session token is not one")
    return text


def read_object(response: httpx.Response, *, place: str = PLACE) -> dict[str, object]:
    """Return the JSON object of an answer; raises CredentialError when it is none."""
    try:
        document = response.json()
    except (ValueError, RecursionError):
        document = None
    # Raised out here: the parser's exception holds the text, and so perhaps a key.
    if not isinstance(document, dict):
        raise CredentialError(f"{place}: the answer is not a JSON object")
    return document
