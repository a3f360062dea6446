"""An answer is read whole and decoded when it is neither too large nor something else than JSON."""

import gzip
import zlib
from typing import Any

import pytest

from exporter.errors import FetchError, Reason
from exporter.upstream.client import decode_json
from exporter.upstream.refusals import Answer
from tests.upstream.client.api_service import HIDDEN, Body, Setup, everything_in, reply
from tests.virtual_time import run


def test_answer_is_returned_whole_with_lower_case_header_names() -> None:
    async def scenario() -> Answer:
        setup = Setup(reply(201, b'{"a": 1}', {"X-Request-Id": "r"}))
        return await setup.client.get("ListJobs", ("jobs",))

    answer = run(scenario())
    assert (answer.status, answer.body, answer.headers["x-request-id"]) == (201, b'{"a": 1}', "r")


def test_json_is_decoded() -> None:
    async def scenario() -> Any:
        return await Setup(reply(body='{"a": ["任务"]}'.encode())).fetch()

    assert run(scenario()) == {"a": ["任务"]}


def test_answer_above_the_limit_is_refused_while_it_streams() -> None:
    body = Body(*[b"x" * 100] * 1000)

    async def scenario() -> tuple[FetchError, Setup]:
        setup = Setup(reply(body=body))
        return await setup.failure(), setup

    error, setup = run(scenario())
    assert str(error) == (
        "ListJobs failed: invalid_response, HTTP 200, the answer is larger than 1000 bytes"
    )
    assert body.sent == 1100
    assert body.closed
    assert setup.counted() == {("ListJobs", "200"): 1}


def test_answer_at_the_limit_is_read() -> None:
    body = b'"' + b"x" * 998 + b'"'

    async def scenario() -> Any:
        return await Setup(reply(body=Body(*(body[n : n + 7] for n in range(0, 1000, 7))))).fetch()

    assert run(scenario()) == "x" * 998


def test_answer_one_byte_above_the_limit_is_refused() -> None:
    async def scenario() -> FetchError:
        return await Setup(reply(body=b" " * 1001)).failure()

    assert run(scenario()).detail == "the answer is larger than 1000 bytes"


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_limit_counts_the_bytes_after_decompression(status: int, coding: str) -> None:
    plain = b" " * 1_000_000
    packed = gzip.compress(plain) if coding == "gzip" else zlib.compress(plain)
    body = Body(*(packed[n : n + 10] for n in range(0, len(packed), 10)))
    assert len(packed) < 1500

    async def scenario() -> FetchError:
        return await Setup(reply(status, body, {"content-encoding": coding})).failure()

    error = run(scenario())
    assert error.detail == "the answer is larger than 1000 bytes"
    assert (error.reason, error.status) == (Reason.INVALID_RESPONSE, status)
    assert body.sent < 100


def test_compressed_answer_below_the_limit_is_read() -> None:
    async def scenario() -> Any:
        body = gzip.compress(b'{"a": 1}')
        return await Setup(reply(body=body, headers={"content-encoding": "gzip"})).fetch()

    assert run(scenario()) == {"a": 1}


def test_answer_compressed_twice_is_refused_unread() -> None:
    body = Body(gzip.compress(gzip.compress(b"{}")))

    async def scenario() -> FetchError:
        return await Setup(reply(body=body, headers={"content-encoding": "gzip, gzip"})).failure()

    error = run(scenario())
    assert (error.reason, error.detail) == (
        Reason.INVALID_RESPONSE,
        "the answer is compressed more than once",
    )
    assert (body.sent, body.closed) == (0, True)


def test_answer_that_is_not_compressed_as_it_says_is_an_invalid_response() -> None:
    error = refused("gzip", b"{}")
    assert error.reason is Reason.INVALID_RESPONSE
    assert error.detail is not None
    assert error.detail.startswith("the answer cannot be decompressed: ")


_PACKED = {"gzip": gzip.compress(b'{"a": 1}'), "deflate": zlib.compress(b'{"a": 1}')}


@pytest.mark.parametrize("pieces", [1, 3, 1000])
@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_compressed_answer_may_be_filled_up_with_zeros(coding: str, pieces: int) -> None:
    packed = _PACKED[coding] + b"\0" * 500
    assert given(coding, *divided(packed, pieces)) == {"a": 1}


@pytest.mark.parametrize("pieces", [1, 3, 1000])
def test_members_of_gzip_are_one_answer(pieces: int) -> None:
    packed = gzip.compress(b'{"a"') + b"\0\0" + gzip.compress(b"") + gzip.compress(b": 1}")
    assert given("gzip", *divided(packed, pieces)) == {"a": 1}


def test_members_of_gzip_are_counted() -> None:
    assert given("gzip", _PACKED["gzip"] + gzip.compress(b"") * 63) == {"a": 1}
    error = refused("gzip", _PACKED["gzip"] + gzip.compress(b"") * 64, largest=10_000)
    assert error.detail == "the answer cannot be decompressed: more comes after its end"


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_what_stands_behind_the_end_is_no_part_of_a_compressed_answer(coding: str) -> None:
    body = Body(_PACKED[coding], *[b"x" * 64] * 1000)
    error = refused(coding, body, largest=100_000)
    assert error.reason is Reason.INVALID_RESPONSE
    assert error.detail is not None
    assert error.detail.startswith("the answer cannot be decompressed: ")
    assert body.sent < 200


@pytest.mark.parametrize(
    "more",
    [
        pytest.param(_PACKED["gzip"] + b"\0" * 5000, id="behind the end"),
        pytest.param(b"\x1f\x8b\x08\x08" + b"\0" * 6 + b"x" * 5000, id="in the name of a file"),
        pytest.param(b"\x1f\x8b\x08" + b"\0" * 7 + b"\0\0\0\xff\xff" * 1000, id="in empty blocks"),
    ],
)
def test_limit_counts_what_becomes_of_nothing_too(more: bytes) -> None:
    body = Body(*divided(more, 500))
    error = refused("gzip", body)
    assert error.detail == "the answer cannot be decompressed: more than 1000 bytes, compressed"
    assert body.sent < 1100


def divided(body: bytes, pieces: int) -> list[bytes]:
    size = max(1, len(body) // pieces)
    return [body[n : n + size] for n in range(0, len(body), size)]


def given(coding: str, *pieces: bytes) -> Any:
    async def scenario() -> Any:
        response = reply(body=Body(*pieces), headers={"content-encoding": coding})
        return await Setup(response, largest_answer=10_000).fetch()

    return run(scenario())


def refused(coding: str, body: bytes | Body, largest: int = 1000) -> FetchError:
    async def scenario() -> FetchError:
        response = reply(body=body, headers={"content-encoding": coding})
        return await Setup(response, largest_answer=largest).failure()

    return run(scenario())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(status: int) -> None:
    async def scenario() -> tuple[FetchError, Setup]:
        setup = Setup(reply(status, headers={"location": f"https://elsewhere.example/{HIDDEN}"}))
        return await setup.failure(), setup

    error, setup = run(scenario())
    assert (error.reason, error.status) == (Reason.SERVER, status)
    assert len(setup.service.requests) == 1
    assert HIDDEN not in everything_in(error)


@pytest.mark.parametrize(
    ("body", "got"),
    [
        (b"", "an empty body"),
        (b"<html>secret</html>", "HTML or XML"),
        (b"\n <?xml", "HTML or XML"),
        (b"sorry", "something else"),
        (b"\xff\xfe", "something else"),
        (b"{'a': 1}", "something else"),
        (b"[" * 100_000, "something else"),
        (b"9" * 5000, "something else"),
    ],
)
def test_answer_that_is_no_json_is_described_by_its_first_character(body: bytes, got: str) -> None:
    with pytest.raises(FetchError) as caught:
        decode_json("ListJobs", Answer(200, {}, body))
    error = caught.value
    assert str(error) == f"ListJobs failed: invalid_response, HTTP 200, expected JSON, got {got}"
    assert not error.retryable
