"""A listing says the same whether its answer is small or large enough to be decoded in steps."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from exporter.auth.guard import GuardBook
from exporter.platforms import load
from exporter.source import Inventory
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.connector import Connector
from exporter.upstream.large_json import PIECE
from tests.virtual_time import run, virtual_world

Rows = list[Any]
HUAWEI = {"region": "cn-north-4", "project_id": "p", "auth": {"access_key": "A", "secret_key": "S"}}
ALIBABA = {
    "region": "cn-beijing",
    "auth": {"access_key_id": "testid", "access_key_secret": "testsecret"},
}


def _dli(rows: Rows) -> dict[str, Any]:
    return {"job_list": {"jobs": rows, "total_count": len(rows)}, "is_success": True}


def _blink(rows: Rows) -> dict[str, Any]:
    return {"Instances": {"Instance": rows}, "TotalCount": len(rows), "RequestId": "r"}


def _flat_blink(rows: Rows) -> dict[str, Any]:
    return {"instances": rows, "totalCount": len(rows), "requestId": "r"}


CASES: Mapping[str, tuple[str, dict[str, Any], Any, dict[str, Any]]] = {
    "dli": ("huawei_dli", HUAWEI, _dli, {"job_id": "{n}", "status": "job_running"}),
    "dataarts": (
        "huawei_dataarts",
        HUAWEI,
        lambda rows: {"jobs": rows, "total": len(rows)},
        {"name": "job-{n}", "status": "NORMAL"},
    ),
    "blink": (
        "alibaba_blink",
        {**ALIBABA, "projects": ["p"], "batch": False},
        _blink,
        {"Id": "{n}", "JobName": "job-{n}", "ActualState": "RUNNING"},
    ),
    "blink as its SDK has it": (
        "alibaba_blink",
        {**ALIBABA, "projects": ["p"], "batch": False},
        _flat_blink,
        {"id": "{n}", "jobName": "job-{n}", "actualState": "WAITING"},
    ),
    "ververica": (
        "alibaba_flink",
        {**ALIBABA, "workspace": "w", "namespaces": ["n"]},
        lambda rows: {"success": True, "data": rows, "totalSize": len(rows)},
        {"deploymentId": "d-{n}", "name": "job-{n}", "jobSummary": {"running": 1}},
    ),
    "flink": (
        "apache_flink",
        {"endpoint": "http://flink"},
        lambda rows: {"jobs": rows},
        {"jid": "{n:032x}", "name": "job-{n}", "state": "RUNNING", "tasks": {"running": 2}},
    ),
}


def _inventory(case: str, count: int, padding: int) -> tuple[Inventory, int]:
    platform, given, wrap, pattern = CASES[case]
    rows: Rows = [
        {name: v.format(n=n) if isinstance(v, str) else v for name, v in pattern.items()}
        for n in range(count)
    ]
    for row in rows:
        row["Padding"] = "长" * padding
    # Rows that are none, or cannot say whose they are, are noted by their places.
    rows[3:3] = [7, {"Padding": "x"}, None]
    answer = httpx.Response(200, json=wrap(rows))
    size = len(answer.content)

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/config":
            return httpx.Response(200, json={"flink-version": "1.20"})
        return httpx.Response(200, content=answer.content)

    async def ask() -> Inventory:
        chosen = load(platform)
        settings = chosen.settings.model_validate({"name": "s", "platform": platform, **given})
        runtime = virtual_world(httpx.MockTransport(handle))
        connector = Connector(
            settings, runtime=runtime, telemetry=Telemetry(), guards=GuardBook(clock=runtime.clock)
        )
        source = chosen.open(settings, connector)
        try:
            return await source.fetch_inventory()
        finally:
            await source.aclose()

    return run(ask()), size


@pytest.mark.parametrize("case", CASES)
def test_large_listing_says_what_a_small_one_says(case: str) -> None:
    small, small_size = _inventory(case, 90, 0)
    large, large_size = _inventory(case, 90, 1000)
    assert small_size < PIECE < large_size
    assert len(small.jobs) == 90
    assert large.jobs == small.jobs
    assert large.incomplete == small.incomplete == ()
    assert [str(flaw) for flaw in large.flaws.unreadable] == [
        str(flaw) for flaw in small.flaws.unreadable
    ]
    assert len(small.flaws.unreadable) >= 3
