"""What dies in a Connect cluster wakes somebody once: by the shipped rules, in promtool."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from exporter.exposition import Exposition
from exporter.simulator.kafka_connect.cluster import WORKERS
from tests.monitoring.alerting_rules import promtool
from tests.monitoring.rules import ALERTS
from tests.platforms.kafka_connect.workers import (
    POLL_INTERVAL,
    Watch,
    World,
    connector,
    watching,
)
from tests.scrape import samples
from tests.virtual_time import EPOCH

pytestmark = pytest.mark.real

SECOND = WORKERS[1]
_TARGET = {"job": "streaming-jobs", "instance": "exporter:10370"}
_CALM, _TROUBLE = 10, 60
"""Polls before and after something dies."""
_ALWAYS = {"StreamingWatchdog"}

Series = dict[str, list[str]]


def _task_dies(watch: Watch) -> None:
    watch.world.show(
        connector("orders", "RUNNING", "RUNNING", "FAILED"),
        connector("payments", "RUNNING", "RUNNING"),
    )


def _worker_is_killed(watch: Watch) -> None:
    # Its connector is said to run there, and is not moved: the others have no room.
    watch.world.dead.add(SECOND)


def _broker_dies(watch: Watch) -> None:
    for worker in watch.world.workers.values():
        worker.condition.brokers_gone = True


def _nothing_dies(watch: Watch) -> None:
    pass


@pytest.mark.parametrize(
    ("dies", "alerts"),
    [
        (_task_dies, [("StreamingJobFailed", "orders")]),
        (_worker_is_killed, [("StreamingJobStuck", "orders")]),
        (_broker_dies, [("StreamingSourceDown", "")]),
        (_nothing_dies, []),
    ],
)
def test_what_dies_is_one_alert(
    dies: Callable[[Watch], None], alerts: list[tuple[str, str]], tmp_path: Path
) -> None:
    async def story(watch: Watch) -> Series:
        watch.world.show(
            connector("orders", "RUNNING", "RUNNING", "RUNNING", task_worker=SECOND),
            connector("payments", "RUNNING", "RUNNING"),
        )
        watch.telemetry.reloaded(successful=True, now=EPOCH)
        series: Series = {}
        for number in range(_CALM + _TROUBLE):
            if number == _CALM:
                dies(watch)
            await watch.collector.poll()
            _note(series, watch, number)
            await asyncio.sleep((number + 1) * POLL_INTERVAL - _now())
        return series

    series = watching(World(), story)
    assert _judge(series, alerts, tmp_path) == ""
    # What cannot fail proves nothing.
    assert "FAILED" in _judge(series, [*alerts, ("StreamingJobGone", "orders")], tmp_path)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _note(series: Series, watch: Watch, number: int) -> None:
    """Write a scrape down, in the seconds of promtool, whose time begins at 0."""
    exposition = Exposition(watch.store, watch.telemetry.registry, clock=lambda: EPOCH + _now())
    exposition.refresh()
    found = [("up", {}, 1.0), *samples(exposition.scrape()[0].decode())]
    for name, labels, value in found:
        shown = value - EPOCH if name.endswith("timestamp_seconds") else value
        values = series.setdefault(_written(name, labels), [])
        values += ["_"] * (number - len(values))
        values.append(f"{shown:.3f}")


def _written(name: str, labels: Mapping[str, str]) -> str:
    pairs = (f"{key}={_quoted(value)}" for key, value in sorted({**labels, **_TARGET}.items()))
    return f"{name}{{{','.join(pairs)}}}"


def _quoted(value: str) -> str:
    """Quote a label's value as PromQL does."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _judge(series: Series, alerts: list[tuple[str, str]], folder: Path) -> str:
    """Return what promtool finds wrong with these being all alerts that fire, of those of jobs."""
    told = [
        {"labels": f'{{alertname="{name}",job_name="{job}"}}', "value": 1}
        if job
        else {"labels": f'{{alertname="{name}"}}', "value": 1}
        for name, job in alerts
    ]
    test = {
        "rule_files": [str(ALERTS)],
        "evaluation_interval": "30s",
        "tests": [
            {
                "interval": "30s",
                "input_series": [
                    {"series": name, "values": " ".join(values)} for name, values in series.items()
                ],
                "promql_expr_test": [
                    {
                        "expr": "count by (alertname, job_name) "
                        f'(ALERTS{{alertstate="firing",alertname!~"{"|".join(_ALWAYS)}"}})',
                        "eval_time": f"{int((_CALM + _TROUBLE - 1) * POLL_INTERVAL)}s",
                        "exp_samples": told,
                    }
                ],
            }
        ],
    }
    path = folder / "alerts_test.yml"
    path.write_text(yaml.safe_dump(test, width=100_000))
    done = promtool("test", "rules", path)
    return "" if done.returncode == 0 else done.stdout + done.stderr
