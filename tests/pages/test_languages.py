"""A reader gets the language that the address names, or else the one the browser asks for."""

import asyncio
import threading
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import GoneJob, Job, JobKey, ProblemKind, State
from exporter.pages.languages import Language, preferred
from exporter.pages.workshop import MOST_WAITING
from tests.jobs import job, problem, snapshot
from tests.serving.web_site import Site
from tests.virtual_time import EPOCH

ENGLISH, CHINESE = Language.ENGLISH, Language.CHINESE


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", ENGLISH),
        ("en", ENGLISH),
        ("zh", CHINESE),
        ("zh-CN", CHINESE),
        ("ZH-cn", CHINESE),
        ("zh-Hans-CN", CHINESE),
        ("zh-TW,zh;q=0.9,en-US;q=0.8,en;q=0.7", CHINESE),
        ("en-US,en;q=0.9,zh-CN;q=0.8,zh;q=0.7", ENGLISH),
        ("de-DE,de;q=0.9,zh;q=0.2", CHINESE),
        ("de-DE,fr", ENGLISH),
        ("en;q=0.5, zh ; q=0.8", CHINESE),
        ("en;q=0.8,zh;Q=0.801", CHINESE),
        ("zh,en", CHINESE),
        ("en,zh", ENGLISH),
        ("zh;q=0", ENGLISH),
        ("zh;q=0,en;q=0", ENGLISH),
        ("en;q=0,*", CHINESE),
        ("zh;q=0.5,*", ENGLISH),
        ("zh;q=0.5,*;q=0.4", CHINESE),
        ("*", ENGLISH),
        ("*;q=0", ENGLISH),
        # A language whose name merely begins like one of ours.
        ("zha", ENGLISH),
        ("zh_CN", ENGLISH),
        # What is not as it should be is left aside, and nothing else.
        ("zh;q=2,en;q=0.1", ENGLISH),
        ("zh;q=0.12345,en;q=0.1", ENGLISH),
        ("zh;q=nan,en;q=0.1", ENGLISH),
        ("zh;level=1,en;q=0.1", ENGLISH),
        (",,;;,zh;q=0.1,=", CHINESE),
        # Too much of it is not read, and a range that may be cut is none.
        ("x," * 32 + "zh", ENGLISH),
        ("x," * 31 + "zh", CHINESE),
        ("x" * 995 + ",zh;q=0.9", ENGLISH),
        ("zh;q=0.9," + "x" * 5000, CHINESE),
    ],
)
def test_browser_is_answered_in_the_language_it_prefers(header: str, language: Language) -> None:
    assert preferred(header) is language


@given(header=st.text(alphabet="zhenENZH*-;q=.,01 5\t\0é", max_size=300))
def test_no_header_is_refused(header: str) -> None:
    assert preferred(header) in Language


def test_header_of_any_length_is_read_at_once() -> None:
    started = time.process_time()
    for header in ("zh;q=" * 200_000, "," * 1_000_000, "-" * 1_000_000):
        assert preferred(header) is ENGLISH
    assert time.process_time() - started < 0.5


class _Links(HTMLParser):
    """The language of a page, its links and its hidden fields."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.language: str | None = None
        self.links: list[str] = []
        self.switch = ""
        self.fields: dict[str | None, str | None] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "html":
            self.language = found["lang"]
        elif tag == "a":
            self.links.append(str(found["href"]))
            if found.get("id") == "language":
                self.switch = str(found["href"])
        elif tag == "input":
            self.fields[found["name"]] = found["value"]


def _site() -> Site:
    gone = GoneJob(
        key=JobKey(project="p", job_id="gone"),
        job_name="gone",
        last_state=State.RUNNING,
        last_seen_timestamp=EPOCH,
        gone_timestamp=EPOCH,
    )
    return Site(
        snapshot(
            *(job(f"job {number}") for number in range(401)),
            job("orders", state=State.FAILED),
            gone=(gone,),
            problems=(problem(ProblemKind.FAILED), problem(ProblemKind.GONE, "gone")),
        )
    )


PATHS = (
    *("/?", "/?q=job&sort=delay&state=running&page=2", "/?q=nothing"),
    "/job?source=dli&project=p&job_id=orders",
    "/job?source=dli&project=p&job_id=gone",
    "/job?source=dli&project=p&job_id=nobody",
)


@pytest.mark.parametrize("path", PATHS)
def test_page_says_which_language_it_is_in_and_on_what_that_depends(path: str) -> None:
    site = _site()
    for asked, address, tag in (
        ("", path, "en"),
        ("zh-CN,zh;q=0.9", path, "zh-CN"),
        ("zh-CN,zh;q=0.9", f"{path}&lang=en", "en"),
        ("en", f"{path}&lang=zh", "zh-CN"),
        ("zh", f"{path}&lang=tlh&lang=", "zh-CN"),
    ):
        answer = site.ask(address, headers={"accept-language": asked})
        assert answer.headers["content-language"] == tag
        assert "accept-language" in answer.headers["vary"]
        assert _Links(answer.text).language == tag
        assert ("作业" in answer.text) is (tag == "zh-CN")


@pytest.mark.parametrize("path", PATHS)
def test_language_of_the_address_is_kept_in_all_links_and_left_out_where_none_was(
    path: str,
) -> None:
    site = _site()
    for language in ("zh", "en", ""):
        page = _Links(site.ask(f"{path}&lang={language}").text)
        own = [link for link in page.links if link.startswith(("./", "job?"))]
        assert len(own) > 2
        for link in own:
            kept = dict(parse_qsl(urlsplit(link).query)).get("lang", "")
            wanted = {"zh": "en"}.get(language, "zh") if link == page.switch else language
            assert kept == wanted, link
        if "name" in page.fields:
            assert page.fields.get("lang") == (language or None)


@pytest.mark.parametrize("path", PATHS)
def test_switch_leads_to_the_same_view_in_the_other_language_and_back(path: str) -> None:
    site = _site()
    page = _Links(site.ask(path).text)
    there = site.ask("/" + page.switch.removeprefix("./"))
    assert there.headers["content-language"] == "zh-CN"
    asked = dict(parse_qsl(urlsplit(path).query))
    assert dict(parse_qsl(urlsplit(page.switch).query)) == {**asked, "lang": "zh"}
    back = _Links(there.text).switch
    assert dict(parse_qsl(urlsplit(back).query)) == {**asked, "lang": "en"}


def test_languages_that_a_browser_sends_in_several_headers_are_one_wish() -> None:
    async def ask() -> None:
        transport = httpx.ASGITransport(_site().app)
        async with httpx.AsyncClient(transport=transport, base_url="http://exporter") as client:
            headers = [("accept-language", "en;q=0.1"), ("accept-language", "zh")]
            answer = await client.get("/", headers=headers)
            assert answer.headers["content-language"] == "zh-CN"

    asyncio.run(ask())


def test_readers_of_one_language_share_a_page_and_never_get_that_of_the_other() -> None:
    async def ask() -> None:
        transport = httpx.ASGITransport(_site().app)
        async with httpx.AsyncClient(transport=transport, base_url="http://exporter") as client:
            wishes = ["en", "zh", "zh-TW", "en-GB"] * 5
            answers = await asyncio.gather(
                *(client.get("/", headers={"accept-language": wish}) for wish in wishes)
            )
            for wish, answer in zip(wishes, answers, strict=True):
                assert answer.headers["content-language"].startswith(wish[:2])
                assert _Links(answer.text).language == answer.headers["content-language"]
            assert len({answer.text for answer in answers}) == 2

    asyncio.run(ask())


class _Held(tuple[Job, ...]):
    """Jobs that nobody gets to see while the gate is closed."""

    gate: threading.Event

    def __iter__(self) -> Iterator[Job]:
        self.gate.wait(20)
        return super().__iter__()


def test_who_is_too_many_is_told_so_in_the_language_asked_for() -> None:
    held = _Held([job()])
    held.gate = threading.Event()
    held.gate.set()
    site = Site(snapshot(jobs=held))

    async def ask() -> None:
        transport = httpx.ASGITransport(site.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://exporter") as client:
            waiting = []
            held.gate.clear()
            for number in range(MOST_WAITING + 1):
                waiting.append(asyncio.create_task(client.get(f"/?q={number}")))
                await asyncio.sleep(0.01)
            refused = await client.get("/?q=more", headers={"accept-language": "zh-CN"})
            held.gate.set()
            assert refused.status_code == 503
            assert refused.text == "同时请求的页面太多，请稍后再试\n"
            assert refused.headers["content-language"] == "zh-CN"
            assert refused.headers["retry-after"] == "1"
            assert {(await each).status_code for each in waiting} == {200}

    asyncio.run(ask())
