"""The pages are safe whatever they are about, and are served as they should be."""

import asyncio
import gzip
import re
from collections.abc import Callable, Coroutine
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette

from exporter.collecting.history import Change
from exporter.collecting.store import Store
from exporter.exposition import Exposition
from exporter.model import Job, JobKey, Node, ProblemKind, Snapshot, State
from exporter.pages.details import details
from exporter.pages.formatting import visible
from exporter.pages.overview import overview
from exporter.pages.query import Query
from exporter.pages.rendering import Frame, assets, render_details, render_overview, render_unseen
from exporter.pages.unseen import unseen
from exporter.serving.web import build_web
from exporter.telemetry.telemetry import Telemetry
from tests.jobs import job, problem, snapshot
from tests.pages.overviews import NOW, READER
from tests.virtual_time import EPOCH

SCRIPT = "<script>alert(1)</script>"
HOSTILE = (
    SCRIPT,
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% include 'job.html' %}",
    "javascript:alert(1)",
    "evil\u202egpj.exe",
    "a/b c?d=e&f#g%2F+每日对账",
    "]]></title></style></textarea>",
    "\0\x1b[31m\r\n",
    "x" * 5000,
    "",
)


# What the pages hold


class _Outline(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    VOID = frozenset({"meta", "link", "input", "img"})

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def _hostile_job(text: str) -> Job:
    return job(
        text,
        State.FAILED,
        job_id=text or "id",
        project=text,
        native_status=text,
        graph_state=text,
        expected_state=text,
        job_type=text,
        queue=text,
        engine_version=text,
        run_id=text,
        error_id=text,
        error_type=text,
        error_text=text,
        tasks=((text, 1),),
        nodes=(Node(name=text, node_type=text, native_status=text, run_id=text),),
    )


def _pages_about(text: str) -> tuple[str, ...]:
    known = _hostile_job(text)
    left = JobKey(project=text, job_id=f"left {text}")
    snap = snapshot(
        known,
        source=text or "s",
        platform=text,
        up=False,
        failure=text,
        absent=(text,),
        labels=((text, text),),
        problems=(
            problem(ProblemKind.FAILED, text, key=known.key),
            problem(ProblemKind.STUCK, text, key=left),
            problem(ProblemKind.NODE_FAILED, text, key=known.key),
        ),
    )
    change = Change(at=EPOCH, before=None, after=State.FAILED, native_status=text)
    query = Query(text=text, sources=frozenset({text, "other"}), platforms=frozenset({text}))
    page = overview([snap], Query(text=text.strip()[:200]), READER)
    frame = Frame(reader=READER, metrics="metrics", elsewhere="./?lang=zh")
    return (
        render_overview(page, frame) + render_overview(overview([snap], query, READER), frame),
        render_details(details(snap.jobs[0], snap, (change,), READER), frame),
        render_unseen(unseen(snap.problems[1:2], snap, (change,), READER), frame),
    )


_QUIET = _pages_about("quiet")


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text)[:30])
def test_no_text_becomes_markup(text: str) -> None:
    for page, quiet in zip(_pages_about(text), _QUIET, strict=True):
        outline = _Outline(page)
        assert {tag for tag, _ in outline.elements} <= {tag for tag, _ in _Outline(quiet).elements}
        for tag, attributes in outline.elements:
            assert not any(name.startswith("on") or name == "style" for name in attributes)
            link = attributes.get("href") or ""
            assert tag != "a" or re.match(
                r"(\./|job\?|api/v1/|runbooks/|metrics$|#content$)", link
            ), link
        assert "\u202e" not in "".join(outline.text)


@given(text=st.text())
def test_pages_can_be_sent_whatever_they_are_about(text: str) -> None:
    for page in _pages_about(text):
        _Outline(page)
        assert page.encode()


def test_pages_have_no_inline_style_or_script_and_load_nothing_foreign() -> None:
    for page in _QUIET:
        for tag, attributes in _Outline(page).elements:
            assert "style" not in attributes
            assert tag != "style"
            if tag == "script":
                assert str(attributes["src"]).startswith("static/live.js?v=")
            if tag in ("link", "img"):
                place = str(attributes.get("href") or attributes.get("src"))
                assert place.startswith("static/")


def test_static_files_name_no_other_address() -> None:
    for name, (body, _) in assets().items():
        text = body.decode().replace("http://www.w3.org/2000/svg", "")
        assert "//" not in re.sub(r"^\s*// .*$", "", text, flags=re.M), name
        assert "url(" not in text


# Over HTTP


def _web(store: Store, telemetry_path: str = "/metrics") -> Starlette:
    async def reload() -> None:
        pass

    return build_web(
        store=store,
        exposition=Exposition(store, Telemetry().registry, clock=lambda: NOW),
        clock=lambda: NOW,
        ready=lambda: True,
        reload=reload,
        telemetry_path=telemetry_path,
    )


def _talk(
    conversation: Callable[[httpx.AsyncClient], Coroutine[Any, Any, None]],
    *snapshots: Snapshot,
    telemetry_path: str = "/metrics",
) -> None:
    async def talk() -> None:
        store = Store()
        for each in snapshots:
            store.put(each)
        transport = httpx.ASGITransport(_web(store, telemetry_path))
        async with httpx.AsyncClient(transport=transport, base_url="http://exporter") as client:
            await conversation(client)

    # Pages are made in threads, for which virtual time does not wait.
    asyncio.run(talk())


@pytest.mark.parametrize(
    "path", ["/", "/?q=x", "/job?source=dli&project=p&job_id=orders", "/job", "/api/v1/jobs"]
)
def test_every_page_forbids_scripts_frames_and_foreign_resources(path: str) -> None:
    async def conversation(client: httpx.AsyncClient) -> None:
        headers = (await client.get(path)).headers
        policy = dict(
            entry.strip().split(" ", 1) for entry in headers["content-security-policy"].split(";")
        )
        assert policy["default-src"] == "'none'"
        assert policy["frame-ancestors"] == "'none'"
        assert "unsafe" not in headers["content-security-policy"]
        assert set(policy.values()) <= {"'none'", "'self'"}
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"

    _talk(conversation, snapshot(job()))


def test_page_comes_compressed_to_those_who_allow_it() -> None:
    async def conversation(client: httpx.AsyncClient) -> None:
        plain = await client.get("/", headers={"accept-encoding": "identity"})
        zipped = await client.get("/", headers={"accept-encoding": "gzip"})
        assert "content-encoding" not in plain.headers
        assert zipped.headers["content-encoding"] == "gzip"
        assert zipped.text == plain.text
        assert int(zipped.headers["content-length"]) < len(gzip.compress(plain.content)) * 2

    _talk(conversation, snapshot(job()))


def test_files_of_the_page_may_be_kept_for_ever_under_their_address() -> None:
    async def conversation(client: httpx.AsyncClient) -> None:
        page = _Outline((await client.get("/")).text)
        places = {
            str(attributes.get("href") or attributes.get("src"))
            for tag, attributes in page.elements
            if tag in ("link", "script", "img")
        }
        assert len(places) == 3
        for place in places:
            answer = await client.get(place)
            assert answer.status_code == 200
            assert "immutable" in answer.headers["cache-control"]
            assert answer.headers["x-content-type-options"] == "nosniff"
        assert (await client.get("static/none.css")).status_code == 404
        assert (await client.get("static/..%2frouting.py")).status_code == 404

    _talk(conversation, snapshot(job()))


def _squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text)[:30])
def test_link_of_every_row_opens_the_page_of_that_job(text: str) -> None:
    found = job(text, job_id=text or "id", project=text)

    async def conversation(client: httpx.AsyncClient) -> None:
        page = _Outline((await client.get("/")).text)
        links = [str(a["href"]) for tag, a in page.elements if tag == "a"]
        words = visible(found.job_name or found.job_id)
        shown = []
        for link in links:
            if link.startswith("job?"):
                answer = await client.get(link)
                assert answer.status_code == 200
                shown.append("".join(_Outline(answer.text).text))
        assert len(shown) == 2
        assert any(_squeezed(words) in _squeezed(text) for text in shown)

    _talk(conversation, snapshot(found, job("other")))


def test_job_that_is_not_known_answers_404_with_what_is_remembered() -> None:
    async def conversation(client: httpx.AsyncClient) -> None:
        address = "/job?source=dli&project=p&job_id=orders"
        answer = await client.get(address)
        assert answer.status_code == 404
        text = " ".join("".join(_Outline(answer.text).text).split())
        assert "This job is not known" in text
        assert "running no longer listed" in text
        stranger = await client.get("/job", params={"source": SCRIPT, "job_id": SCRIPT})
        assert stranger.status_code == 404
        assert "State changes" not in stranger.text

    _talk(conversation, snapshot(job()), snapshot(job("other")))


def test_job_that_is_no_longer_seen_has_a_page_of_what_is_wrong_with_it() -> None:
    async def conversation(client: httpx.AsyncClient) -> None:
        page = _Outline((await client.get("/")).text)
        [link] = [str(a["href"]) for tag, a in page.elements if "job?" in str(a.get("href"))]
        answer = await client.get(link)
        assert answer.status_code == 200
        outline = _Outline(answer.text)
        text = " ".join("".join(outline.text).split())
        assert "not seen since 6 min 40 s ago" in text
        assert "failed since 1 min 5 s ago" in text
        links = [str(a["href"]) for tag, a in outline.elements if tag == "a"]
        assert "runbooks/StreamingJobFailed" in links
        assert "runbooks/zh/StreamingJobFailed" in links

    withdrawn = snapshot(
        job("orders", State.FAILED, observed_timestamp=NOW - 400),
        last_success_timestamp=NOW - 400,
        problems=(problem(ProblemKind.FAILED),),
    )
    _talk(conversation, withdrawn)


def test_stale_jobs_are_withdrawn_from_the_pages_too() -> None:
    async def conversation(client: httpx.AsyncClient) -> None:
        assert "No jobs are known yet." in (await client.get("/")).text
        address = "/job?source=dli&project=p&job_id=orders"
        assert (await client.get(address)).status_code == 404

    _talk(conversation, snapshot(job(observed_timestamp=NOW - 301)))


def test_metrics_are_linked_where_they_are() -> None:
    async def conversation(client: httpx.AsyncClient) -> None:
        page = _Outline((await client.get("/")).text)
        assert ("a", {"href": "own/metrics"}) in page.elements
        assert (await client.get("own/metrics")).status_code == 200

    _talk(conversation, telemetry_path="/own/metrics")
