"""Pages for people show nothing from outside as anything but text."""

from collections.abc import Callable

import httpx
import pytest

from exporter.model import Node, Snapshot, State
from tests.jobs import job, snapshot
from tests.serving.web_site import MARKUP, Site, two_sources


@pytest.mark.parametrize(
    "make",
    [
        lambda: snapshot(up=False, failure=MARKUP),
        lambda: snapshot(job(MARKUP)),
        lambda: snapshot(job(state=State.UNKNOWN, native_status=MARKUP, graph_state=MARKUP)),
        lambda: snapshot(job(state=State.FAILED, error_text=MARKUP, error_type=MARKUP)),
        lambda: snapshot(job(queue=MARKUP, project=MARKUP, run_id=MARKUP, engine_version=MARKUP)),
        lambda: snapshot(job(), labels=(("team", MARKUP),), absent=(MARKUP,)),
        lambda: snapshot(job(nodes=(Node(name=MARKUP, native_status=MARKUP),))),
        lambda: snapshot(job(), source=MARKUP, platform=MARKUP),
    ],
)
def test_page_shows_markup_from_outside_as_text(make: Callable[[], Snapshot]) -> None:
    held = make()
    site = Site(held)
    addresses = ["/"]
    for each in held.jobs:
        query = {"source": held.source, "project": each.project, "job_id": each.job_id}
        addresses.append(str(httpx.URL("/job", params=query)))
    for address in addresses:
        answer = site.ask(address)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "<script>alert" not in answer.text
        assert "alert('x')" not in answer.text


def test_page_of_an_unknown_job_shows_markup_in_its_address_as_text() -> None:
    address = httpx.URL("/job", params={"source": MARKUP, "project": MARKUP, "job_id": MARKUP})
    answer = two_sources().ask(str(address))
    assert answer.status_code == 404
    assert "<script>alert" not in answer.text


def test_page_shows_markup_in_a_query_as_text() -> None:
    for name in ("source", "state", "q", "search", "sort", "page", "platform"):
        answer = two_sources().ask(str(httpx.URL("/", params={name: MARKUP})))
        assert answer.status_code in (200, 400)
        assert "<script>alert" not in answer.text


@pytest.mark.parametrize("path", ["/", "/job", "/api/v1/jobs", "/api/v1/sources"])
def test_page_forbids_browsers_to_run_or_load_anything_foreign(path: str) -> None:
    headers = two_sources().ask(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_page_is_compressed_only_for_who_asks() -> None:
    site = two_sources()
    plain = site.ask("/")
    zipped = site.ask("/", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert zipped.headers["content-encoding"] == "gzip"
    assert zipped.text == plain.text
