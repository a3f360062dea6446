"""What one alert leaves unsaid of another, asked of a real Alertmanager with the shipped rules."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest

from tests.monitoring.rig import alertmanager_alone

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("real")]

Labels = dict[str, str]
TEAM = {"cluster": "eu", "namespace": "team-a", "job": "streams", "source": "flink"}
FAILING = {"alertname": "StreamingSourceJobsFailing", "severity": "critical"}


def _job(name: str, alert: str = "StreamingJobFailed", kind: str = "streaming") -> Labels:
    job = {"project": "p", "job_id": name, "job_name": name, "job_kind": kind}
    return {"alertname": alert, "severity": "critical", **TEAM, **job}


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[str]:
    with alertmanager_alone(tmp_path) as address:
        yield address


def _silenced(alertmanager: str, alerts: Sequence[Labels], known: Labels) -> list[Labels]:
    """Tell an Alertmanager of alerts; return those it keeps to itself, once `known` is of them."""
    body = [{"labels": labels} for labels in alerts]
    with httpx.Client(base_url=f"{alertmanager}/api/v2", trust_env=False, timeout=10) as client:
        client.post("/alerts", json=body).raise_for_status()
        deadline = time.monotonic() + 20
        while True:
            found = client.get("/alerts").raise_for_status().json()
            silenced = [each["labels"] for each in found if each["status"]["inhibitedBy"]]
            if len(found) == len(alerts) and known in silenced:
                return [labels for labels in alerts if labels in silenced]
            assert time.monotonic() < deadline, found
            time.sleep(0.1)


def test_many_jobs_of_one_source_silence_no_job_of_another_cluster_or_namespace(
    alertmanager: str,
) -> None:
    own = _job("orders")
    others = [own | {"cluster": "us"}, own | {"namespace": "team-b"}, own | {"source": "dli"}]
    assert _silenced(alertmanager, [{**FAILING, **TEAM}, own, *others], own) == [own]


def test_without_labels_of_cluster_and_namespace_all_is_as_with_them(alertmanager: str) -> None:
    plain = {name: TEAM[name] for name in ("job", "source")}
    own = {key: text for key, text in _job("orders").items() if key not in TEAM} | plain
    other = own | {"namespace": "team-b"}
    assert _silenced(alertmanager, [{**FAILING, **plain}, own, other], own) == [own]


def test_many_jobs_of_a_source_silence_no_batch_job_which_does_not_count_for_them(
    alertmanager: str,
) -> None:
    names = ("StreamingJobFailed", "StreamingJobGone", "StreamingJobNotRunning")
    own = [_job(f"orders {name}", name) for name in names]
    batch = [_job(f"settlement {name}", name, "batch") for name in names]
    others = [_job("late", "StreamingJobInputDelayHigh"), _job("owing", "StreamingJobInArrears")]
    alerts = [{**FAILING, **TEAM}, *own, *batch, *others]
    assert _silenced(alertmanager, alerts, own[-1]) == own


def test_cluster_that_does_not_answer_is_left_unsaid_only_where_none_does(
    alertmanager: str,
) -> None:
    unreached = {"alertname": "StreamingSourceClusterUnreached", "severity": "critical", **TEAM}
    down = {"alertname": "StreamingSourceDown", "severity": "critical", **TEAM}
    other = {"source": "fleet"}
    alerts = [down | {"extent": "all"}, unreached, down | other | {"extent": "some"}]
    alerts.append(unreached | other)
    assert _silenced(alertmanager, alerts, unreached) == [unreached]
