"""Addresses and methods, health, reloading and reports."""

import asyncio
from typing import Any

import httpx
import pytest

from exporter.errors import ConfigError, ConfigProblem
from exporter.serving.web import with_reports
from tests.serving.web_site import MARKUP, Site, two_sources

ROUTES = (
    *("/metrics", "/", "/job", "/api/v1/jobs", "/api/v1/sources", "/-/healthy", "/-/ready"),
    *("/runbooks/StreamingJobFailed", "/runbooks/zh/StreamingJobFailed"),
)


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_reading_address_takes_no_other_method(path: str, method: str) -> None:
    answer = Site().ask(path, method)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize("path", [path for path in ROUTES if path != "/job"])
def test_reading_address_answers_head_like_get(path: str) -> None:
    site = two_sources()
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
