"""The simulated Cloud Eye answers what it is asked as strictly as the real one."""

import json
from typing import Any

import httpx
import pytest

from exporter.auth.credentials import Credentials
from exporter.auth.huawei.signature import sign
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet, Phase
from exporter.simulator.huawei import cloud_eye
from exporter.simulator.huawei.access import HuaweiAccess
from tests.simulator.huawei_caller import HOST, KEY, NOW, PROJECT, SECRET, Clock, send

PATH = f"/V1.0/{PROJECT}/batch-query-metric-data"
MINUTE = 60_000


class Cloud:
    def __init__(self, most_metrics: int = 500) -> None:
        self.fleet = Fleet(seed=1, started_at=NOW - 7200, jobs=0)
        self.fleet.add("job", NOW - 3600, phase=Phase.RUNNING)
        (view,) = self.fleet.views(NOW)
        self.number = view.number
        self.app = cloud_eye.build(
            fleet=self.fleet,
            faults=FaultInjection(),
            clock=Clock(),
            access=HuaweiAccess(keys={KEY: SECRET}),
            project_id=PROJECT,
            most_metrics=most_metrics,
        )

    def metric(self, name: str = "flink_read_records_per_second", **changes: Any) -> dict[str, Any]:
        dimensions = [{"name": "flink_job_id", "value": str(self.number)}]
        named = {"namespace": "SYS.DLI", "metric_name": name, "dimensions": dimensions}
        return named | changes

    def ask(self, *metrics: Any, **changes: Any) -> httpx.Response:
        now = int(NOW * 1000)
        body = {
            "metrics": list(metrics),
            "from": now - 6 * MINUTE,
            "to": now,
            "period": "1",
            "filter": "average",
        }
        return self.post(json.dumps(body | changes).encode())

    def post(self, content: bytes) -> httpx.Response:
        given = {"Host": HOST, "Content-Type": "application/json", "X-Project-Id": PROJECT}
        added = sign("POST", PATH, given, content, Credentials(KEY, SECRET), NOW)
        return send(self.app, PATH, given | added, method="POST", content=content)


def test_figures_come_late_and_by_the_filter_that_was_asked_for() -> None:
    cloud = Cloud()
    (answer,) = cloud.ask(cloud.metric(), filter="max").json()["metrics"]
    points = answer["datapoints"]
    assert answer["unit"] == "record/s"
    assert {frozenset(point) for point in points} == {frozenset({"max", "timestamp"})}
    newest = max(point["timestamp"] for point in points)
    assert 60_000 <= NOW * 1000 - newest <= 120_000


def test_job_that_does_not_run_and_metric_that_is_none_have_no_points() -> None:
    cloud = Cloud()
    other = cloud.metric(dimensions=[{"name": "flink_job_id", "value": "1"}])
    for answer in cloud.ask(other, cloud.metric("flink_checkpoints")).json()["metrics"]:
        assert answer["datapoints"] == []


def test_beginning_is_moved_without_a_word() -> None:
    cloud = Cloud()
    hour = {"from": int(NOW * 1000) - 60 * MINUTE}
    few = cloud.ask(cloud.metric(), **hour).json()["metrics"][0]["datapoints"]
    many = cloud.ask(*[cloud.metric()] * 500, **hour).json()["metrics"][0]["datapoints"]
    assert len(many) < len(few)
    assert many[0]["timestamp"] >= NOW * 1000 - 6 * MINUTE


@pytest.mark.parametrize(
    "changes",
    [
        {"metrics": []},
        {"metrics": None},
        {"period": "60"},
        {"period": 1},
        {"filter": "mean"},
        {"from": "0"},
        {"from": int(NOW * 1000)},
    ],
)
def test_question_with_anything_wrong_is_refused(changes: dict[str, Any]) -> None:
    cloud = Cloud()
    answer = cloud.ask(cloud.metric(), **changes)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "ces.0014")


@pytest.mark.parametrize(
    "changes",
    [
        {"namespace": "SYS.ECS"},
        {"dimensions": []},
        {"dimensions": [{"name": "queue_id", "value": "1"}]},
        {"dimensions": [{"name": "flink_job_id", "value": "x"}]},
    ],
)
def test_metric_with_anything_wrong_is_refused(changes: dict[str, Any]) -> None:
    cloud = Cloud()
    assert cloud.ask(cloud.metric(**changes)).status_code == 400


def test_call_takes_so_many_metrics_and_bytes() -> None:
    cloud = Cloud(most_metrics=10)
    assert cloud.ask(*[cloud.metric()] * 10).status_code == 200
    assert cloud.ask(*[cloud.metric()] * 11).status_code == 400
    assert cloud.post(b" " * 512 * 1024 + b"{}").status_code == 400
    assert cloud.post(b"{").status_code == 400
    assert cloud.post(b"[]").status_code == 400


def test_question_is_signed_with_its_body() -> None:
    cloud = Cloud()
    content = json.dumps({"metrics": [cloud.metric()]}).encode()
    given = {"Host": HOST, "Content-Type": "application/json", "X-Project-Id": PROJECT}
    added = sign("POST", PATH, given, b"{}", Credentials(KEY, SECRET), NOW)
    answer = send(cloud.app, PATH, given | added, method="POST", content=content)
    assert answer.status_code == 401
    assert send(cloud.app, PATH, given, method="POST", content=content).status_code == 401
