"""Metrics are served from what is already known, in every form asked for."""

import asyncio
import gzip

import httpx

from exporter.exposition import OPENMETRICS, TEXT
from tests.jobs import snapshot
from tests.serving.web_site import Site, two_sources
from tests.virtual_time import EPOCH


def test_metrics_are_served_as_text() -> None:
    answer = two_sources().ask("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == TEXT
    assert answer.text.endswith("own 1.0\n")
    assert 'streaming_source_up{platform="huawei_dli",source="dli"} 1.0\n' in answer.text


def test_metrics_are_served_as_openmetrics_and_compressed_to_who_asks() -> None:
    site = two_sources()
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
    site = two_sources()
    site.now = EPOCH + 301
    assert 'job_name="orders"' not in site.ask("/metrics").text
    assert site.json("/api/v1/jobs") == {"jobs": []}
    assert [each["jobs"] for each in site.json("/api/v1/sources")["sources"]] == [None, None]
    assert "orders" not in site.ask("/").text


def test_compressed_metrics_are_what_plain_ones_are() -> None:
    site = two_sources()

    async def raw() -> bytes:
        transport = httpx.ASGITransport(app=site.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://exporter") as http:
            headers = {"accept-encoding": "gzip"}
            async with http.stream("GET", "/metrics", headers=headers) as answer:
                return b"".join([chunk async for chunk in answer.aiter_raw()])

    assert gzip.decompress(asyncio.run(raw())).decode() == site.ask("/metrics").text
