"""Understand refusals of YARN's ResourceManager, and of what stands before it.

Errors come as `{"RemoteException": {"exception": "NotFoundException", "message": "...", ...}}`. A
standby answers 307, with the address of the active ResourceManager or, when there is none, with
nothing but a time to come back; having said so for a while it says so in plain text with status
200. Sources: Hadoop's RMWebAppFilter, GenericExceptionHandler and RMWebServices, 2.7 to 3.4.
"""

from collections.abc import Mapping

from exporter.errors import Reason
from exporter.upstream.refusals import Answer, Refusal, by_status, safe_code
from exporter.upstream.refusals.strangers import judge_stranger, kind, unlike

API = "ResourceManager of YARN"
STANDBY = "standby"
NO_ACTIVE = "no-active-resource-manager"

_NO_ACTIVE = (b"There is no active RM", b"Can not find any active RM")
_LOOKED_AT = 4096


def read_refusal(answer: Answer) -> Refusal | None:
    """Return why an answer is a refusal, or None when it is none."""
    start = answer.body[:_LOOKED_AT]
    if any(sentence in start for sentence in _NO_ACTIVE):
        # Also with status 200, as a text that is no JSON.
        return Refusal(
            reason=Reason.SERVER, code=NO_ACTIVE, detail="no ResourceManager is active at present"
        )
    if 200 <= answer.status < 300:
        if start.lstrip()[:1] in (b"{", b"["):
            return None
        # Its own pages, a login page, or whatever else lives there.
        return unlike(API, kind(answer))
    if answer.status in (307, 308):
        # Not followed: who it points to could be anybody, and would get the credentials.
        return Refusal(
            reason=Reason.SERVER,
            code=STANDBY,
            detail="a standby, or something else that points elsewhere",
            advice="endpoints should name every ResourceManager",
        )
    exception = _exception(answer)
    if exception is None:
        return judge_stranger(answer, API)
    refusal = by_status(answer.status, exception)
    if answer.status == 404 and exception == "NotFoundException":
        return Refusal(reason=Reason.NOT_FOUND, code=exception, gone=True)
    return refusal


def _exception(answer: Answer) -> str | None:
    """Return the name of the exception; None when this is nothing that YARN says."""
    document = answer.decoded()
    told = document.get("RemoteException") if isinstance(document, Mapping) else None
    return safe_code(told.get("exception")) if isinstance(told, Mapping) else None
