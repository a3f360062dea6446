"""Recognise the answers of somebody else: a web server, a login page, an object storage.

An endpoint that is not the API's answers as well, and at times with a status that the API uses too:
any web server says 404 to a path it does not have. Taken for the API's own word, that would send
people looking for a missing job. What is told of such an answer is what kind of thing it is: its
text can hold anything.
"""

import re
from dataclasses import replace

from exporter.errors import Reason
from exporter.upstream.refusals import Answer, Refusal, by_status

_STORAGE_HEADERS = ("x-amz-request-id", "x-oss-request-id", "x-obs-request-id", "x-cos-request-id")
_STORAGE_CODES = re.compile(
    rb"<Code>(?:NoSuchKey|NoSuchBucket|NoSuchUpload|InvalidBucketName|AuthorizationHeaderMalformed"
    rb"|MissingSecurityHeader)</Code>|<ListBucketResult|<ListAllMyBucketsResult"
)
_NO_SUCH_PATH = frozenset({404, 405, 410})
_LOOKED_AT = 4096


def is_storage(answer: Answer) -> bool:
    """Say whether an answer is one of an object storage, by its headers or by its XML."""
    if any(name in answer.headers for name in _STORAGE_HEADERS):
        return True
    return _STORAGE_CODES.search(answer.body[:_LOOKED_AT]) is not None


def is_page(answer: Answer) -> bool:
    """Say whether a body is a web page."""
    start = answer.body[:_LOOKED_AT].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return start.startswith((b"<!doctype html", b"<html", b"<head", b"<body"))


def judge_stranger(answer: Answer, api: str) -> Refusal:
    """Judge a refusal that is not in the words of `api`, such as "API of Huawei Cloud".

    The reason is invalid_response where nothing but another service answers like that; a proxy
    before the API may well be what refuses credentials, or is out of order.
    """
    if is_storage(answer):
        return unlike(api, "an object storage")
    if answer.status in _NO_SUCH_PATH:
        return unlike(api, kind(answer))
    refusal = by_status(answer.status)
    if refusal.reason is Reason.SERVER and not (refusal.retryable or refusal.advice):
        return replace(refusal, advice=f"no word of the {api}: check endpoint")
    return refusal


def unlike(api: str, what: str) -> Refusal:
    """Refuse an answer because something else than the API gave it."""
    return Refusal(
        reason=Reason.INVALID_RESPONSE, detail=f"this is no {api} but {what}: check endpoint"
    )


def kind(answer: Answer) -> str:
    """Name the kind of thing that gave an answer."""
    if is_storage(answer):
        return "an object storage"
    if is_page(answer):
        return "a web page"
    if answer.decoded() is not None:
        return "another service"
    return "a web server" if not answer.body else "another service, which speaks no JSON"
