"""Every address answers from what is already known, and nothing from outside gets out of hand."""

import asyncio
import gzip
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry, Gauge

from exporter.collecting.store import Store
from exporter.errors import ConfigError, ConfigProblem
from exporter.exposition import OPENMETRICS, TEXT, Exposition
from exporter.model import Node, Snapshot, State
from exporter.serving.web import build_web, with_reports
from tests.jobs import job, snapshot
from tests.virtual_time import EPOCH

MARKUP = "<script>alert('x')</script>&\"'"
ROUTES = ("/metrics", "/", "/job", "/api/v1/jobs", "/api/v1/sources", "/-/healthy", "/-/ready")


class Site:
    """The application over a few snapshots, with switches for what the rest of it would do."""

    def __init__(self, *snapshots: Snapshot, path: str = "/metrics") -> None:
        self.store = Store()
        for each in snapshots:
            self.store.put(each)
        self.now = EPOCH
        self.ready = True
        self.problem: Exception | None = None
        self.reloads = 0
        own = CollectorRegistry()
        Gauge("own", "The exporter's own.", registry=own).set(1)
        self.app = build_web(
            store=self.store,
            exposition=Exposition(self.store, own, clock=self.clock),
            clock=self.clock,
            ready=lambda: self.ready,
            reload=self.reload,
            telemetry_path=path,
        )

    def clock(self) -> float:
        return self.now

    async def reload(self) -> None:
        self.reloads += 1
        if self.problem is not None:
            raise self.problem

    def ask(
        self, path: str, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Send one request to the application, without a network."""

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://exporter") as http:
                return await http.request(
                    method, path, headers={"accept-encoding": "", **(headers or {})}
                )

        return asyncio.run(send())

    def json(self, path: str) -> Any:
        answer = self.ask(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        return answer.json()


def _two_sources() -> Site:
    return Site(
        snapshot(
            job("orders", job_id="1"),
            job("clicks", job_id="2", state=State.FAILED, error_text="boom"),
            labels=(("team", "a"),),
        ),
        snapshot(
            job("orders", job_id="3", project="q"),
            job("idle", job_id="4", state=State.SUSPENDED),
            source="blink",
            platform="alibaba_blink",
        ),
    )


# The metrics.


def test_metrics_are_served_as_text() -> None:
    answer = _two_sources().ask("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == TEXT
    assert answer.text.endswith("own 1.0\n")
    assert 'streaming_source_up{platform="huawei_dli",source="dli"} 1.0\n' in answer.text


def test_metrics_are_served_as_openmetrics_and_compressed_to_who_asks() -> None:
    site = _two_sources()
    headers = {"accept": "application/openmetrics-text", "accept-encoding": "gzip"}
    answer = site.ask("/metrics", headers=headers)
    assert answer.headers["content-type"] == OPENMETRICS
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.text.endswith("own 1.0\n# EOF\n")
    assert int(answer.headers["content-length"]) < len(answer.content)


def test_metrics_are_served_at_the_path_asked_for_and_nowhere_else() -> None:
    site = Site(path="/probe/metrics")
    assert site.ask("/probe/metrics").status_code == 200
    assert site.ask("/metrics").status_code == 404
    assert "probe/metrics" in site.ask("/").text


def test_metrics_are_served_though_every_source_is_down_or_unheard_of() -> None:
    for held in ([], [snapshot(up=None, last_success_timestamp=None)], [snapshot(up=False)]):
        assert Site(*held).ask("/metrics").status_code == 200


def test_stale_jobs_are_withdrawn_from_every_address() -> None:
    site = _two_sources()
    site.now = EPOCH + 301
    assert 'job_name="orders"' not in site.ask("/metrics").text
    assert site.json("/api/v1/jobs") == {"jobs": []}
    assert [each["jobs"] for each in site.json("/api/v1/sources")["sources"]] == [0, 0]
    assert "orders" not in site.ask("/").text


# Methods and addresses.


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_reading_address_takes_no_other_method(path: str, method: str) -> None:
    answer = Site().ask(path, method)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize("path", [path for path in ROUTES if path != "/job"])
def test_reading_address_answers_head_like_get(path: str) -> None:
    site = _two_sources()
    head, get = site.ask(path, "HEAD"), site.ask(path)
    assert (head.status_code, get.status_code) == (200, 200)
    assert head.headers["content-type"] == get.headers["content-type"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PATCH"])
def test_reload_takes_only_the_methods_that_change_something(method: str) -> None:
    site = Site()
    assert site.ask("/-/reload", method).status_code == 405
    assert site.reloads == 0


@pytest.mark.parametrize(
    "path", ["/nothing", "/api/v1", "/api/v1/jobs/1", "/-/", "/-/quit", "/metrics/x", "/static/x"]
)
def test_unknown_address_is_not_found(path: str) -> None:
    assert Site().ask(path).status_code == 404


@pytest.mark.parametrize("path", ["/metrics/", "/job/", "/api/v1/jobs/", "/-/healthy/"])
def test_nothing_is_redirected_to_the_host_that_somebody_named(path: str) -> None:
    answer = Site().ask(path, headers={"host": "elsewhere.example"})
    assert answer.status_code == 404
    assert "elsewhere" not in str(answer.headers) + answer.text


# Health.


def test_exporter_is_healthy_though_nothing_was_polled() -> None:
    site = Site()
    site.ready = False
    answer = site.ask("/-/healthy")
    assert (answer.status_code, answer.text) == (200, "streaming-job-exporter is healthy.\n")


def test_exporter_is_ready_only_when_every_source_was_polled() -> None:
    site = Site()
    site.ready = False
    answer = site.ask("/-/ready")
    assert (answer.status_code, answer.text) == (503, "Some sources have not been polled yet.\n")
    site.ready = True
    answer = site.ask("/-/ready")
    assert (answer.status_code, answer.text) == (200, "streaming-job-exporter is ready.\n")


# Reloading.


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_reload_answers_when_it_is_done(method: str) -> None:
    site = Site()
    answer = site.ask("/-/reload", method)
    assert (answer.status_code, answer.text) == (200, "Configuration reloaded.\n")
    assert site.reloads == 1


def test_reload_of_a_bad_file_answers_400_with_every_problem_as_plain_text() -> None:
    site = Site()
    site.problem = ConfigError(
        (ConfigProblem("sources[0].name", "required"), ConfigProblem("", MARKUP))
    )
    answer = site.ask("/-/reload", "POST")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == f"sources[0].name: required\n{MARKUP}\n"


# Jobs as JSON.


def _names(site: Site, query: str) -> list[tuple[str, str]]:
    found = site.json(f"/api/v1/jobs{query}")["jobs"]
    return [(each["source"], each["job_id"]) for each in found]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["4", "3", "1", "2"]),
        ("?source=dli", ["1", "2"]),
        ("?source=dli&source=blink", ["4", "3", "1", "2"]),
        ("?platform=alibaba_blink", ["4", "3"]),
        ("?state=failed", ["2"]),
        ("?state=failed&state=suspended", ["4", "2"]),
        ("?job_name=orders", ["3", "1"]),
        ("?job_name=orders&source=dli", ["1"]),
        ("?project=q", ["3"]),
        ("?job_id=4", ["4"]),
        ("?job_id=4&job_id=1", ["4", "1"]),
        ("?source=nobody", []),
        ("?source=", []),
        ("?state=FAILED", []),
        ("?unheard=of", ["4", "3", "1", "2"]),
    ],
)
def test_jobs_are_filtered_by_what_the_query_says(query: str, expected: list[str]) -> None:
    assert sorted(job_id for _, job_id in _names(_two_sources(), query)) == sorted(expected)


def test_job_tells_everything_that_is_known_of_it() -> None:
    full = job(
        "任务",
        state=State.FAILED,
        finer_state=State.RESTARTING,
        error_text=f"line 1\n{MARKUP}",
        tasks=(("running", 2), ("failed", 1)),
        nodes=(Node(name="n", state=State.RUNNING, native_status="NORMAL"),),
        restart_times=0,
    )
    site = Site(snapshot(full, labels=(("team", "a"),)))
    (told,) = site.json("/api/v1/jobs")["jobs"]
    assert (told["source"], told["platform"]) == ("dli", "huawei_dli")
    assert (told["job_name"], told["state"], told["finer_state"]) == (
        *("任务", "failed", "restarting"),
    )
    assert told["error_text"] == f"line 1\n{MARKUP}"
    assert told["tasks"] == {"running": 2, "failed": 1}
    assert told["labels"] == {"team": "a"}
    assert told["restart_times"] == 0
    assert told["parallelism"] is None
    assert told["observed_timestamp"] == EPOCH
    (node,) = told["nodes"]
    assert (node["name"], node["state"], node["native_status"]) == ("n", "running", "NORMAL")


def test_sources_tell_their_health() -> None:
    site = Site(
        snapshot(
            job("a"),
            up=False,
            failure="ListJobs failed: auth",
            last_poll_timestamp=EPOCH - 1,
            next_poll_timestamp=EPOCH + 29,
            poll_duration_seconds=0.5,
            absent=("x.*",),
            labels=(("team", "a"),),
        )
    )
    assert site.json("/api/v1/sources") == {
        "sources": [
            {
                "source": "dli",
                "platform": "huawei_dli",
                "up": False,
                "failure": "ListJobs failed: auth",
                "last_success_timestamp": EPOCH,
                "last_poll_timestamp": EPOCH - 1,
                "next_poll_timestamp": EPOCH + 29,
                "poll_duration_seconds": 0.5,
                "jobs": 1,
                "absent": ["x.*"],
                "labels": {"team": "a"},
            }
        ]
    }


def test_sources_are_listed_before_their_first_poll() -> None:
    (source,) = Site(snapshot(up=None, last_success_timestamp=None)).json("/api/v1/sources")[
        "sources"
    ]
    assert (source["up"], source["last_success_timestamp"], source["jobs"]) == (None, None, 0)


# Pages for people.


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
    answer = _two_sources().ask(str(address))
    assert answer.status_code == 404
    assert "<script>alert" not in answer.text


def test_page_shows_markup_in_a_query_as_text() -> None:
    for name in ("source", "state", "q", "search", "sort", "page", "platform"):
        answer = _two_sources().ask(str(httpx.URL("/", params={name: MARKUP})))
        assert answer.status_code in (200, 400)
        assert "<script>alert" not in answer.text


@pytest.mark.parametrize("path", ["/", "/job", "/api/v1/jobs", "/api/v1/sources"])
def test_page_forbids_browsers_to_run_or_load_anything_foreign(path: str) -> None:
    headers = _two_sources().ask(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_page_is_compressed_only_for_who_asks() -> None:
    site = _two_sources()
    plain = site.ask("/")
    zipped = site.ask("/", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert zipped.headers["content-encoding"] == "gzip"
    assert zipped.text == plain.text


# Reports.


def test_report_goes_to_its_receiver_and_everything_else_past_it() -> None:
    seen: list[str] = []

    def application(name: str) -> Any:
        async def answer(scope: Any, receive: Any, send: Any) -> None:
            seen.append(f"{name} {scope['path']}")
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        return answer

    async def scenario(receiver: Any) -> None:
        app = with_reports(application("web"), lambda: receiver)
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://exporter") as http:
            await http.post("/v1/p/edgesrv/job-report")
            await http.get("/metrics")

    asyncio.run(scenario(application("edge")))
    assert seen == ["edge /v1/p/edgesrv/job-report", "web /metrics"]
    seen.clear()
    asyncio.run(scenario(None))
    assert seen == ["web /v1/p/edgesrv/job-report", "web /metrics"]


def test_compressed_metrics_are_what_plain_ones_are() -> None:
    site = _two_sources()

    async def raw() -> bytes:
        transport = httpx.ASGITransport(app=site.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://exporter") as http:
            headers = {"accept-encoding": "gzip"}
            async with http.stream("GET", "/metrics", headers=headers) as answer:
                return b"".join([chunk async for chunk in answer.aiter_raw()])

    assert gzip.decompress(asyncio.run(raw())).decode() == site.ask("/metrics").text
