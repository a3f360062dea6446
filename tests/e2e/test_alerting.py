"""Somebody is told when a job fails, once, in time; and nobody is told lies while a cloud is down.

Real Prometheus and Alertmanager run the shipped rules and routes, with all time thirty times
faster: half a minute is a second here. The exporter watches simulated clouds, or a real Flink.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from pathlib import Path

import pytest

from exporter.simulator.clouds import Clouds, build_clouds, configuration
from exporter.simulator.fleet.fleet import Fleet, Phase
from tests.flink_cluster import FlinkCluster, JobSpec
from tests.monitoring import rules
from tests.monitoring.monitoring_stack import Station, without_operator
from tests.monitoring.receiver import Notification, WebhookReceiver
from tests.monitoring.rig import FACTOR, Rig, monitoring

# Whatever is real takes all that there is, so it runs one after the other.
pytestmark = pytest.mark.xdist_group("real")

POLL = SCRAPE = EVALUATION = GROUP_WAIT = 30 / FACTOR
_ALERTS = {rule["alert"]: rule for rule in rules.each(rules.read(rules.ALERTS)) if "alert" in rule}
FOR = {name: rules.seconds(rule["for"]) / FACTOR for name, rule in _ALERTS.items()}
KEPT = {
    name: rules.seconds(rule.get("keep_firing_for", "0s")) / FACTOR
    for name, rule in _ALERTS.items()
}
GROUP_INTERVAL = 300 / FACTOR
OUTAGE = 600 / FACTOR
STALE_AFTER = 300 / FACTOR
TOLERANCE = 2.0
"""Seconds for what takes no time in theory: requests, rendering, two busy processors."""
QUIET = 3.0
"""Seconds without news after which none is expected."""

FAILING = {"dli-prod": "dli", "factory": "dataarts", "vvp": "ververica", "flink": "flink"}
"""Sources, and the clouds behind them; a stream job of Blink never ends by itself."""
STEADY = ("orders_stream", "orders_redeployed", "orders_late_failure", "settlement_report")

Record = Callable[[str, object], None]


def within(alert: str, group: float = GROUP_WAIT) -> float:
    """Return how long it may take from a failure to the notification.

    Where something of the same source is told already, the `group` waits for its interval.
    """
    return POLL + SCRAPE + EVALUATION + FOR[alert] + group + TOLERANCE


def over_within(alert: str) -> float:
    """Return how long it may take from a repair to the notification."""
    return POLL + SCRAPE + EVALUATION + KEPT[alert] + GROUP_INTERVAL + TOLERANCE


def _fleet(clouds: Clouds, name: str) -> Fleet:
    fleet: Fleet = getattr(clouds, name).fleet
    return fleet


def _settle_down(clouds: Clouds) -> None:
    """Take the demo's stories away, so that whatever happens is made to happen by a test."""
    now = time.time()
    for cloud in clouds.all():
        if cloud.fleet is not None:
            for view in cloud.fleet.views(now):
                cloud.fleet.remove(view.name, now)
            for name in STEADY:
                cloud.fleet.add(name, now)


def _fast(addresses: Mapping[str, str]) -> str:
    lines = without_operator(configuration(addresses)).splitlines()
    lines[0] = (
        f"defaults: {{poll_interval: {POLL}, detail_interval: {120 / FACTOR}, "
        f"stale_after: {STALE_AFTER}, timeout: 5, rate_limit: 200}}"
    )
    return "\n".join(lines)


@pytest.fixture(scope="module")
def clouds() -> Clouds:
    built = build_clouds(clock=time.time)
    _settle_down(built)
    return built


@pytest.fixture(scope="module")
def station(clouds: Clouds) -> Iterator[Station]:
    with Station(_fast, clouds) as running:
        yield running


@pytest.fixture(scope="module")
def rig(station: Station, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with monitoring(station.address, tmp_path_factory.mktemp("monitoring")) as running:
        _wait_until_seen(running, len(STEADY) * 5)
        yield running


def _wait_until_seen(rig: Rig, jobs: int, source: str = ".*", job_name: str = ".*") -> None:
    deadline = time.monotonic() + 30
    which = f'state="running", source=~"{source}", job_name=~"{job_name}"'
    while len(rig.query(f"streaming_job_state{{{which}}} == 1")) < jobs:
        assert time.monotonic() < deadline, "the jobs never came to Prometheus"
        time.sleep(0.2)


def _put(station: Station, fleet: Fleet, name: str, phase: Phase) -> float:
    """Put a job into a phase, and return when that was."""

    def put(now: float) -> float:
        fleet.set_phase(name, phase, now)
        return now

    return station.do(put)


def _told(webhook: WebhookReceiver, status: str, **labels: str) -> list[Notification]:
    """Return the notifications that say so of it; they tell of others of its source as well."""
    return [each for each in webhook.about(**labels) if status in _statuses(each, labels)]


def _statuses(notification: Notification, labels: Mapping[str, str]) -> list[str]:
    return [
        alert["status"]
        for alert in notification.alerts
        if labels.items() <= alert["labels"].items()
    ]


def _await(webhook: WebhookReceiver, status: str, timeout: float, **labels: str) -> Notification:
    def there() -> bool:
        return bool(_told(webhook, status, **labels))

    webhook.wait(there, timeout, f"{status} {labels}")
    return _told(webhook, status, **labels)[0]


def _news(webhook: WebhookReceiver, **labels: str) -> list[tuple[str, str]]:
    """Return what was told of it, without what was said again because of others."""
    told = [
        (alert["labels"]["alertname"], alert["status"])
        for each in webhook.about(**labels)
        for alert in each.alerts
        if labels.items() <= alert["labels"].items()
    ]
    return [new for new, _ in groupby(told)]


def test_nobody_is_told_anything_while_all_is_well(rig: Rig) -> None:
    time.sleep(QUIET)
    assert rig.alerts() == {"StreamingWatchdog"}
    assert rig.webhook.about() == []
    assert rig.webhook.about("dingtalk") == []


def test_a_machine_is_told_again_and_again_that_alerts_come_through(rig: Rig) -> None:
    def twice() -> bool:
        return len(rig.webhook.about("dead-mans-switch", alertname="StreamingWatchdog")) >= 2

    rig.webhook.wait(twice, 40, "the watchdog")
    assert rig.webhook.about(alertname="StreamingWatchdog") == []


def test_failed_job_is_told_once_in_time_and_once_when_it_runs_again(
    rig: Rig, clouds: Clouds, station: Station, record_property: Record
) -> None:
    name, alert = "orders_stream", "StreamingJobFailed"
    fleets = {source: _fleet(clouds, cloud) for source, cloud in FAILING.items()}
    failed = {source: _put(station, fleet, name, Phase.FAILED) for source, fleet in fleets.items()}
    for source, at in failed.items():
        told = _await(rig.webhook, "firing", 30, source=source, job_name=name)
        _report(record_property, f"{alert} of {source}", told.at - at, within(alert))
    time.sleep(QUIET)
    for source in FAILING:
        found = rig.webhook.about(source=source, job_name=name)
        assert _news(rig.webhook, source=source, job_name=name) == [(alert, "firing")]
        # Whoever reads mail or the chat is told the same thing as the tool on call.
        assert len(rig.webhook.about("mail", source=source, job_name=name)) == 1
        assert len(rig.webhook.about("dingtalk", source=source, job_name=name)) == 1
        notes = found[0].alerts[0]["annotations"]
        assert notes["summary"].startswith(f"Job {name} has failed at 20")
        assert f"Job {name} of source {source} " in notes["description"]
        assert notes["dashboard_url"].endswith(f"?var-source={source}&var-job_name={name}")

    repaired = time.time()
    for fleet in fleets.values():
        _put(station, fleet, name, Phase.RUNNING)
    limit = over_within(alert)
    for source in FAILING:
        told = _await(rig.webhook, "resolved", 40, source=source, job_name=name)
        _report(record_property, f"{alert} of {source} resolved", told.at - repaired, limit)
    for source in FAILING:
        news = _news(rig.webhook, source=source, job_name=name)
        assert news == [(alert, "firing"), (alert, "resolved")]


def test_outage_is_told_once_and_no_job_is_said_to_have_failed_or_recovered(
    rig: Rig, clouds: Clouds, station: Station, record_property: Record
) -> None:
    """Ten minutes of outage, shortened; jobs are withdrawn after five of them."""
    source, webhook, fleet = "dli-prod", rig.webhook, _fleet(clouds, "dli")
    _put(station, fleet, "settlement_report", Phase.FAILED)
    _await(webhook, "firing", 30, source=source, job_name="settlement_report")
    # A redeployment that the outage hides: stopped when last seen, and soon running again.
    _put(station, fleet, "orders_redeployed", Phase.STOPPED)
    time.sleep(2 * POLL + SCRAPE)
    assert rig.query(f'streaming_job_state{{source="{source}", state="stopped"}} == 1')

    clouds.dli.faults.outage = True
    began = _put(station, fleet, "orders_redeployed", Phase.RUNNING)
    _put(station, fleet, "orders_late_failure", Phase.FAILED)
    told = _await(webhook, "firing", 30, source=source, alertname="StreamingSourceDown")
    _report(
        record_property,
        "StreamingSourceDown",
        told.at - began,
        within("StreamingSourceDown", GROUP_INTERVAL),
    )
    time.sleep(max(0.0, began + OUTAGE - time.time()))
    assert rig.query(f'streaming_job_state{{source="{source}"}}') == {}
    assert rig.alerts(source=source) == {"StreamingSourceDown", "StreamingJobFailed"}
    # What was told before is still true, and nobody hides it.
    assert rig.inhibited(source=source) == set()
    assert _news(webhook, source=source, job_name="settlement_report") == [
        ("StreamingJobFailed", "firing")
    ]
    assert webhook.about(source=source, job_name="orders_redeployed") == []
    assert webhook.about(source=source, job_name="orders_late_failure") == []

    ended = _put(station, fleet, "settlement_report", Phase.RUNNING)
    clouds.dli.faults.outage = False
    late = _await(webhook, "firing", 30, source=source, job_name="orders_late_failure")
    # The next poll is up to one backoff away.
    limit = within("StreamingJobFailed", GROUP_INTERVAL) + POLL
    _report(record_property, "StreamingJobFailed after the outage", late.at - ended, limit)
    _await(webhook, "resolved", 40, source=source, alertname="StreamingSourceDown")
    _await(webhook, "resolved", 40, source=source, job_name="settlement_report")
    time.sleep(QUIET)
    assert _news(webhook, source=source, alertname="StreamingSourceDown") == [
        ("StreamingSourceDown", "firing"),
        ("StreamingSourceDown", "resolved"),
    ]
    assert _news(webhook, source=source, job_name="settlement_report") == [
        ("StreamingJobFailed", "firing"),
        ("StreamingJobFailed", "resolved"),
    ]
    assert webhook.about(source=source, job_name="orders_redeployed") == []
    others = [each for each in webhook.about() if not each.names(source=source)]
    assert not [each for each in others if each.at > began + TOLERANCE and each.status == "firing"]


def test_cluster_that_dies_with_many_jobs_is_told_once(
    rig: Rig, clouds: Clouds, station: Station, record_property: Record
) -> None:
    """One alert takes the place of those of all its jobs, within ten minutes, shortened."""
    source, webhook, fleet = "vvp", rig.webhook, _fleet(clouds, "ververica")
    names = [f"many_{number:02}" for number in range(100)]

    def add(now: float) -> None:
        for name in names:
            fleet.add(name, now)

    def fail(now: float) -> float:
        for name in names:
            fleet.set_phase(name, Phase.FAILED, now)
        return now

    station.do(add)
    _wait_until_seen(rig, len(names), source=source, job_name="many_.*")
    failed, alert = station.do(fail), "StreamingSourceJobsFailing"
    told = _await(webhook, "firing", 30, source=source, alertname=alert)
    # Alertmanager may still keep the group of what was told of the source before: half a minute.
    limit = within(alert, GROUP_INTERVAL)
    _report(record_property, f"{alert} of {source}", told.at - failed, limit)
    time.sleep(max(0.0, failed + OUTAGE - time.time()))
    assert rig.alerts(source=source) == {alert, "StreamingJobFailed"}
    assert rig.inhibited(source=source) == {"StreamingJobFailed"}
    news = [each for each in webhook.about(source=source) if each.at > failed]
    assert 1 <= len(news) <= 2
    assert {each["labels"]["alertname"] for told in news for each in told.alerts} == {alert}


def test_failed_job_of_a_real_flink_is_told_once_and_once_when_it_runs_again(
    flink_cluster: FlinkCluster, tmp_path: Path, record_property: Record
) -> None:
    """A run that replaces the failed one ends the alert, though Flink still lists the old run."""

    def watch(addresses: Mapping[str, str]) -> str:
        return (
            f"defaults: {{poll_interval: {POLL}, detail_interval: {120 / FACTOR}, timeout: 5}}\n"
            f"sources: [{{name: real, platform: apache_flink, endpoint: '{flink_cluster.url}'}}]\n"
        )

    steady = flink_cluster.submit([JobSpec(name="steady")])["steady"]
    flink_cluster.wait_for(steady, "RUNNING")
    with Station(watch) as station, monitoring(station.address, tmp_path) as rig:
        _wait_until_seen(rig, 1)
        webhook, name, alert = rig.webhook, "broken", "StreamingJobFailed"
        jid = flink_cluster.submit([JobSpec(name=name, kind="failing")])[name]
        flink_cluster.wait_for(jid, "FAILED")
        ended = flink_cluster.get(f"/jobs/{jid}")["end-time"] / 1000
        told = _await(webhook, "firing", 30, source="real", job_name=name)
        # Flink itself may show a job as it was a second ago.
        _report(record_property, "real Flink failed", told.at - ended, within(alert) + 1)
        time.sleep(QUIET)
        assert _news(webhook, job_name=name) == [(alert, "firing")]
        again = flink_cluster.submit([JobSpec(name=name)])[name]
        flink_cluster.wait_for(again, "RUNNING")
        repaired = time.time()
        told = _await(webhook, "resolved", 40, source="real", job_name=name)
        limit = over_within(alert) + 1
        _report(record_property, "real Flink resolved", told.at - repaired, limit)
        assert _news(webhook, job_name=name) == [(alert, "firing"), (alert, "resolved")]
        assert webhook.about(job_name="steady") == []
    for each in (steady, again):
        flink_cluster.cancel(each)
        flink_cluster.wait_for(each, "CANCELED")


def _report(record_property: Record, what: str, delay: float, limit: float) -> None:
    record_property(f"seconds until told: {what}", f"{delay:.1f} of {limit:.1f}")
    print(f"{what}: told after {delay:.1f} s, allowed {limit:.1f} s")  # noqa: T201
    assert delay <= limit
