"""Understand refusals of the Kubernetes API.

It says no with an object of kind Status: `reason`, `message`, `code`, `details`. What it does not
serve at all, such as a kind whose definition is not installed, it answers with the plain text
`404 page not found`; an object that is not there is a Status that names it. Kubernetes
documentation: "Kubernetes API Concepts"; apimachinery's `metav1.Status`.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from exporter.errors import Reason
from exporter.upstream.refusals import Answer, Refusal, by_status, safe_code, safe_detail
from exporter.upstream.refusals.strangers import judge_stranger, kind, unlike

API = "Kubernetes API"
NO_SUCH_KIND = "NoSuchKind"
"""Our own word for a path that the server does not serve: it has none but a line of text."""
EXPIRED = "Expired"
"""The place in a listing is too old: the listing has to begin anew."""

_NOT_SERVED = b"404 page not found"
_LONGEST_LOOK = 2000
_LONGEST_WAIT = 86400
_FORBIDDEN = re.compile(
    r'cannot (?P<verb>[a-z]{1,20}) (?:resource )?"?(?P<resource>[a-z0-9./-]{1,120})"?'
    r'(?: in API group "(?P<group>[a-z0-9.-]{0,120})")?'
    r'(?: in the namespace "(?P<namespace>[a-z0-9-]{1,63})"|(?P<cluster> at the cluster scope))?'
)
_CREDENTIALS = (
    "the API server does not know these credentials, or they have expired: check auth, "
    "and that the endpoint is of the cluster they are for"
)
_RIGHTS = "the account may not do this: give it a Role or ClusterRole that allows it"
_KIND = "the API server does not serve this kind or version: is what defines it installed?"


def read_refusal(answer: Answer) -> Refusal | None:
    """Return why an answer is a refusal, or None when it is none."""
    if 200 <= answer.status < 300:
        # It speaks JSON only; what is neither markup nor JSON is told where it is decoded.
        return unlike(API, kind(answer)) if answer.body.lstrip()[:1] == b"<" else None
    status = status_of(answer)
    if status is not None:
        return _judge(answer.status, status)
    if answer.status == 404 and answer.body.strip() == _NOT_SERVED:
        return Refusal(reason=Reason.NOT_FOUND, code=NO_SUCH_KIND, advice=_KIND)
    return judge_stranger(answer, API)


def status_of(answer: Answer) -> Mapping[str, Any] | None:
    """Return the Status that an answer is, None when it is something else."""
    document = answer.decoded()
    if not isinstance(document, Mapping) or document.get("kind") != "Status":
        return None
    return document


def _judge(http_status: int, status: Mapping[str, Any]) -> Refusal:
    code, message = safe_code(status.get("reason")), _text(status.get("message"))
    found = status.get("details")
    details: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    if http_status == 401:
        # Not `rejected`: nothing is locked by wrong tokens, and a new one may come any moment.
        return Refusal(reason=Reason.AUTH, code=code, advice=_CREDENTIALS)
    if http_status == 403:
        return Refusal(reason=Reason.AUTH, code=code, advice=_missing_right(message))
    if http_status == 404:
        if code == "NotFound" and _text(details.get("name")):
            detail = safe_detail(message)
            return Refusal(reason=Reason.NOT_FOUND, code=code, detail=detail, gone=True)
        return Refusal(reason=Reason.NOT_FOUND, code=NO_SUCH_KIND, advice=_KIND)
    if http_status == 410:
        return Refusal(reason=Reason.SERVER, code=EXPIRED, detail=safe_detail(message))
    refusal = by_status(http_status, code, message)
    wait = details.get("retryAfterSeconds")
    if refusal.retryable and isinstance(wait, int) and 0 < wait < _LONGEST_WAIT:
        return replace(refusal, retry_after=float(wait))
    return refusal


def _missing_right(message: str) -> str:
    """Say which right is missing, as the rules of a Role name it; nothing else of the message."""
    match = _FORBIDDEN.search(message[:_LONGEST_LOOK])
    if match is None:
        return _RIGHTS
    resource, group = match["resource"], match["group"]
    what = f"{resource}.{group}" if group else resource
    where = f" in namespace {match['namespace']}" if match["namespace"] else ""
    where = " in all namespaces" if match["cluster"] else where
    return (
        f"the account may not {match['verb']} {what}{where}: "
        "give it a Role or ClusterRole that allows it"
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
