"""A service that tells targets is asked as Prometheus asks, and believed only when it answers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from exporter.auth.guard import GuardBook
from exporter.discovery.clusters import Clusters
from exporter.discovery.http import HttpDiscovery, HttpSettings, open_http
from exporter.discovery.surroundings import Surroundings
from exporter.errors import FetchError, Reason
from exporter.platforms.apache_flink import Settings
from exporter.runtime import Runtime
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.connector import Connector
from tests.virtual_time import run, virtual_world

LIST = [{"targets": ["jm:8081"], "labels": {"cluster": "a"}}]


def _open(runtime: Runtime, **options: Any) -> tuple[Connector, HttpDiscovery]:
    http = {"url": "http://sd.example/list?team=x", **options}
    settings = Settings.model_validate(
        {"name": "f", "platform": "apache_flink", "discovery": {"http": http, "refresh": 90}}
    )
    connector = Connector(
        settings, runtime=runtime, telemetry=Telemetry(), guards=GuardBook(clock=runtime.monotonic)
    )
    surroundings = Surroundings(settings=settings, connector=connector, refresh=90.0)
    return connector, open_http(HttpSettings.model_validate(http), surroundings)


def _find(handle: Callable[[httpx.Request], httpx.Response], **options: Any) -> Clusters:
    async def scenario() -> Clusters:
        connector, discovery = _open(virtual_world(httpx.MockTransport(handle)), **options)
        try:
            return await discovery.find()
        finally:
            await discovery.aclose()
            await connector.aclose()

    return run(scenario())


def test_service_is_asked_as_prometheus_asks_it() -> None:
    requests = []

    def handle(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json=LIST)

    found = _find(handle, auth={"basic": {"username": "u", "password": "p"}})
    assert [cluster.name for cluster in found.living] == ["a"]
    (request,) = requests
    assert str(request.url) == "http://sd.example/list?team=x"
    assert request.headers["X-Prometheus-Refresh-Interval-Seconds"] == "90"
    assert request.headers["Accept"] == "application/json"
    assert request.headers["Authorization"] == "Basic dTpw"


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON; charset=utf-8", 'application/json;charset="utf-8"'],
)
def test_list_may_be_empty_and_is_json(content_type: str) -> None:
    headers = {"content-type": content_type}
    assert not _find(lambda _: httpx.Response(200, content=b"[]", headers=headers)).living


@pytest.mark.parametrize(
    ("status", "content", "content_type", "reason", "detail"),
    [
        (200, "[]", "text/html", Reason.INVALID_RESPONSE, "content type application/json"),
        (200, "[]", "", Reason.INVALID_RESPONSE, "content type application/json"),
        (200, "[]", "application/json5", Reason.INVALID_RESPONSE, "content type"),
        (200, "<html>", "application/json", Reason.INVALID_RESPONSE, "expected JSON"),
        (200, "{}", "application/json", Reason.INVALID_RESPONSE, "expected a list"),
        (200, "", "application/json", Reason.INVALID_RESPONSE, "expected JSON"),
        (204, "", "application/json", Reason.INVALID_RESPONSE, "expected 200"),
        (201, "[]", "application/json", Reason.INVALID_RESPONSE, "expected 200"),
        (302, "", "", Reason.SERVER, "redirected, which is not followed: let url be"),
        (401, "hunter2", "", Reason.AUTH, ""),
        (404, "[]", "application/json", Reason.NOT_FOUND, ""),
        (429, "", "", Reason.THROTTLED, ""),
        (500, "[]", "application/json", Reason.SERVER, ""),
    ],
)
def test_anything_else_is_no_list(
    status: int, content: str, content_type: str, reason: Reason, detail: str
) -> None:
    headers = {"content-type": content_type, "location": "http://elsewhere", "retry-after": "77"}
    with pytest.raises(FetchError) as caught:
        _find(lambda _: httpx.Response(status, content=content.encode(), headers=headers))
    assert caught.value.reason is reason
    assert detail in caught.value.detail
    assert "hunter2" not in str(caught.value)
    assert status == 200 or caught.value.retry_after == 77


def test_service_that_cannot_be_reached_is_a_failure() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("")

    with pytest.raises(FetchError) as caught:
        _find(handle)
    assert caught.value.reason is Reason.CONNECTION


def test_large_list_is_read_and_a_larger_one_is_a_failure() -> None:
    targets = [{"targets": [f"jm-{n}.example.org:8081"]} for n in range(40_000)]
    assert len(json.dumps(targets)) > 1024 * 1024
    assert len(_find(lambda _: httpx.Response(200, json=targets)).living) == 40_000
    huge = b"[" + b" " * (17 * 1024 * 1024) + b"]"
    headers = {"content-type": "application/json"}
    with pytest.raises(FetchError, match="larger than"):
        _find(lambda _: httpx.Response(200, content=huge, headers=headers))


def test_file_of_authorities_that_is_none_is_a_failure_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")

    async def scenario() -> None:
        connector, discovery = _open(virtual_world(), tls={"ca_file": str(tmp_path / "ca.pem")})
        with pytest.raises(FetchError, match=r"tls\.ca_file: not a usable PEM file") as caught:
            await discovery.find()
        assert caught.value.reason is Reason.TLS
        await discovery.aclose()
        await connector.aclose()

    run(scenario())
