"""A request goes out exactly as it was meant, or not at all."""

from collections.abc import Mapping

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.auth import canonical
from exporter.errors import FetchError, Reason
from exporter.upstream.refusals import Answer
from tests.upstream.client.api_service import BASE, HIDDEN, Setup, everything_in, reply
from tests.virtual_time import run

segments = st.lists(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
        lambda text: text not in (".", "..")
    ),
    min_size=1,
    max_size=4,
)
pairs = st.lists(
    st.tuples(
        st.text(st.characters(exclude_categories=["Cs"])),
        st.text(st.characters(exclude_categories=["Cs"])),
    ),
    max_size=4,
)


@given(path=segments, query=pairs, base=st.sampled_from(["", "/", "/v1", "/a/b/"]))
def test_url_on_the_wire_is_exactly_the_canonical_one(
    path: list[str], query: list[tuple[str, str]], base: str
) -> None:
    async def scenario() -> list[str]:
        setup = Setup(base_url=BASE + base)
        await setup.client.get("ListJobs", path, query)
        return setup.service.targets

    expected = base.rstrip("/") + canonical.path(*path)
    if query:
        expected += "?" + canonical.query(query)
    assert run(scenario()) == [expected]


def test_headers_of_client_and_request_are_sent_and_the_request_wins() -> None:
    async def scenario() -> httpx.Headers:
        setup = Setup(headers={"workspace": "w", "X-Language": "en-us"})
        await setup.client.get("ListJobs", ("jobs",), headers={"X-Language": "zh-cn", "b": "1"})
        return setup.service.requests[0].headers

    headers = run(scenario())
    assert headers["accept"] == "application/json"
    assert headers["workspace"] == "w"
    assert headers.get_list("x-language") == ["zh-cn"]
    assert headers["b"] == "1"


def test_body_is_posted_and_sent_again_when_that_may_work_in_a_moment() -> None:
    async def scenario() -> tuple[Answer, Setup]:
        setup = Setup(reply(503), reply(201, b"taken"), headers={"workspace": "w"})
        return await setup.client.post("Report", ("v1", "job report"), b'{"a": 1}'), setup

    answer, setup = run(scenario())
    assert (answer.status, answer.body) == (201, b"taken")
    assert [(each.method, each.content) for each in setup.service.requests] == [
        ("POST", b'{"a": 1}')
    ] * 2
    assert setup.service.targets == ["/v1/job%20report"] * 2
    assert setup.service.requests[0].headers["workspace"] == "w"
    assert setup.counted() == {("Report", "503"): 1, ("Report", "201"): 1}


def test_body_that_is_refused_is_a_fetch_error_that_does_not_show_it() -> None:
    async def scenario() -> FetchError:
        with pytest.raises(FetchError) as caught:
            await Setup(reply(400)).client.post("Report", ("x",), HIDDEN.encode())
        return caught.value

    error = run(scenario())
    assert str(error) == "Report failed: server, HTTP 400"
    assert HIDDEN not in everything_in(error)


@pytest.mark.parametrize("segment", ["", ".", "..", "a\ud800"])
def test_name_that_no_path_can_hold_is_refused_before_anything_is_sent(segment: str) -> None:
    async def scenario() -> tuple[FetchError, Setup]:
        setup = Setup()
        return await setup.failure("jobs", segment), setup

    error, setup = run(scenario())
    assert error.reason is Reason.INVALID_RESPONSE
    assert (setup.service.requests, setup.counted()) == ([], {})


def test_query_that_cannot_be_encoded_is_refused_before_anything_is_sent() -> None:
    async def scenario() -> Setup:
        setup = Setup()
        with pytest.raises(FetchError, match=r"^ListJobs failed: invalid_response, a name"):
            await setup.client.get("ListJobs", ("jobs",), [("name", "\udc80")])
        return setup

    assert run(scenario()).service.requests == []


@pytest.mark.parametrize(
    ("base_url", "headers", "path"),
    [
        ("https://xn--", {}, "jobs"),
        ("https://[::1", {}, "jobs"),
        (BASE, {"workspace": "工作区 " + HIDDEN}, "jobs"),
        (BASE, {}, "x" * 70_000),
    ],
)
def test_request_that_cannot_be_written_is_a_fetch_error(
    base_url: str, headers: Mapping[str, str], path: str
) -> None:
    async def scenario() -> tuple[FetchError, Setup]:
        setup = Setup(base_url=base_url, headers=headers)
        return await setup.failure(path), setup

    error, setup = run(scenario())
    assert error.reason is Reason.CONNECTION
    assert not error.retryable
    assert error.__cause__ is None
    assert HIDDEN not in everything_in(error)
    assert setup.service.requests == []
