"""Every query of every dashboard finds data in a real Prometheus, for all jobs and for one.

The exporter watches the simulated clouds, and an agent at the edge reports to it. Real Prometheus
scrapes it and evaluates the shipped rules; variables are filled in as Grafana fills them in.
"""

import contextlib
import json
import math
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from exporter.simulator.clouds import PROJECT_ID, Clouds, build_clouds, configuration
from grafana.source.addresses import CONSOLES, FLINK
from tests.grafana.boards import (
    UIDS,
    Query,
    chosen,
    drawn,
    every,
    fill_in,
    load,
    queries,
    variables,
)
from tests.grafana.choices import Get, opened, options
from tests.grafana.promql import parse, selectors
from tests.monitoring.monitoring_stack import Station, without_operator
from tests.monitoring.rig import Rig, monitoring

# Whatever is real takes all that there is, so it runs one after the other.
pytestmark = pytest.mark.xdist_group("real")

POLL = 1.0
SEEN_WITHIN = 90.0
SHOWN = 30.0
"""Seconds that a panel shows."""
STEP = 2
MACROS = {"__rate_interval": "8s", "__interval": "10s", "__range": "30s", "__range_s": "30"}
HOSTILE = r"pay.ments (v2)|a+b\c [$x]"
"""A job that must be taken for itself, and not for a regular expression."""
TOKEN = "edge-token-of-the-tests"
EDGE_JOB = {"job_id": 99271, "status": "job_running"}
EDGE_METRICS = {
    "flink_read_records_total": 1200,
    "flink_write_records_total": 1100,
    "total_read_rate": 20,
    "total_write_rate": 18,
}

Labels = dict[str, str]
Found = list[tuple[Labels, list[float]]]


@pytest.fixture(scope="module")
def clouds() -> Clouds:
    built = build_clouds(clock=time.time)
    assert built.flink.fleet is not None
    built.flink.fleet.add(HOSTILE, time.time())
    built.flink.fleet.add("late_from_the_start", time.time(), lag_slope=1000.0)
    # One of seven: polls go on, and something is refused for being too many.
    built.dli.faults.throttle_every = 7
    return built


@pytest.fixture(scope="module")
def station(clouds: Clouds, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    folder = tmp_path_factory.mktemp("edge")
    database, targets = folder / "edge.db", folder / "flink.json"
    found = f"{{allow_loopback: true, files: {{paths: [{targets}]}}}}"

    def fast(addresses: Mapping[str, str]) -> str:
        flink = addresses["flink"]
        target = flink.removeprefix("http://")
        targets.write_text(json.dumps([{"targets": [target], "labels": {"cluster": "demo"}}]))
        text = configuration(addresses)
        _, paid_for, after = text.partition("  - name: msf\n")
        assert paid_for
        # Amazon counts the figures that are asked of it, and is asked no sooner than it is told.
        after = after.replace("metrics_interval: 30s", "metrics_interval: 4s")
        lines = f"{without_operator(text)}{paid_for}{after}".splitlines()
        # This Flink is found by a file, so that there are clusters to show.
        lines = [
            line.replace(f'endpoint: "{flink}"', f"discovery: {found}, busy: true")
            for line in lines
        ]
        assert any(found in line for line in lines)
        lines[0] = (
            f"defaults: {{poll_interval: {POLL}, detail_interval: 4, stale_after: 60, "
            "timeout: 5, rate_limit: 200}"
        )
        edge = (
            f"edge: {{database: {database}, projects: {{{PROJECT_ID}: {{token: {TOKEN}}}}}, "
            "relay: {source: dli-prod}}"
        )
        return "\n".join([*lines, edge])

    with Station(fast, clouds) as running, _agent(running.address):
        yield running


@contextlib.contextmanager
def _agent(address: str) -> Iterator[None]:
    """Report a job at the edge twice a second, as its agent would."""
    url = f"http://{address}/v1/{PROJECT_ID}/edgesrv/job-report"
    headers = {"X-Auth-Token": TOKEN}
    stop = threading.Event()
    refused: list[str] = []

    def report() -> None:
        with httpx.Client(headers=headers, timeout=30, trust_env=False) as client:
            while not stop.is_set():
                now = int(time.time() * 1000)
                # It restarts every other second, so that restarts are recorded.
                metrics = {**EDGE_METRICS, "restart_times": now // 2000 % 1_000_000}
                job = {**EDGE_JOB, "metrics": metrics, "create_time": now}
                answer = client.post(url, json={"message_id": f"report-{now}", "jobs": [job]})
                if answer.status_code != 200:
                    refused.append(answer.text)
                stop.wait(0.5)

    thread = threading.Thread(target=report, name="agent")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert refused == []


def _named() -> set[str]:
    """Return the names of all metrics that the dashboards ask for."""
    return {
        selector.name or ""
        for uid in UIDS
        for query in queries(load(uid))
        for selector, _ in selectors(parse(query.expr))
    }


@pytest.fixture(scope="module")
def rig(station: Station, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp("monitoring")
    # As the operator of Prometheus labels what it finds in one of several clusters.
    labels = {"cluster": "eu", "namespace": "monitoring"}
    with monitoring(station.address, folder, labels) as running:
        deadline = time.monotonic() + SEEN_WITHIN
        wanted = [*WANTED, *sorted(_named())]
        while missing := [what for what in wanted if not running.query(what)]:
            wanted = missing
            assert time.monotonic() < deadline, f"never came to Prometheus: {missing}"
            time.sleep(0.2)
        yield running


WANTED = (
    "count(streaming_source_up) > 4",
    "increase(streaming_exporter_api_throttled_total[8s]) > 0",
    "increase(streaming_source_polls_total[20s]) > 5",
    "rate(streaming_edge_journal_commit_duration_seconds_count[8s])",
    'ALERTS{alertstate="firing", alertname="StreamingJobFailed"}',
    "streaming_job_last_checkpoint_completed_timestamp_seconds",
    "streaming_job_input_delay_seconds >= 300",
    "instance_job:streaming_job_restart_times:delta5m",
)
"""What has to have happened before the dashboards are looked at."""


@pytest.fixture(scope="module")
def prometheus(rig: Rig) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{rig.prometheus}/api/v1/", timeout=20, trust_env=False) as client:
        yield client


def _get(prometheus: httpx.Client, path: str, **params: Any) -> Any:
    answer = prometheus.post(path, data=params)
    assert answer.status_code == 200, f"{answer.text}\n{params}"
    return answer.json()["data"]


def _ask(
    prometheus: httpx.Client, query: Query, values: Mapping[str, str], *, as_drawn: bool = False
) -> Found:
    """Return labels and values of each series, without those that are not a number."""
    expr = fill_in(query.expr, {**MACROS, **values})
    if not as_drawn:
        # Of what is well nothing is drawn, but it is there.
        expr = expr.removesuffix(" > 0")
    now = time.time()
    if query.instant:
        result = _get(prometheus, "query", query=expr, time=now)["result"]
    else:
        span = {"start": now - SHOWN, "end": now, "step": STEP}
        result = _get(prometheus, "query_range", query=expr, **span)["result"]
    series = [
        (each["metric"], [float(value) for _, value in each.get("values") or [each["value"]]])
        for each in result
    ]
    numbers = (
        (labels, [value for value in found if not math.isnan(value)]) for labels, found in series
    )
    return [(labels, found) for labels, found in numbers if found]


def _getting(prometheus: httpx.Client) -> Get:
    def get(path: str, fields: Mapping[str, str]) -> Any:
        if path == "query":
            return _get(prometheus, path, **fields)
        return prometheus.get(path, params=fields).raise_for_status().json()["data"]

    return get


@pytest.mark.parametrize("uid", UIDS)
def test_every_query_finds_data_with_all_chosen(prometheus: httpx.Client, uid: str) -> None:
    board = load(uid)
    empty = [query.place for query in queries(board) if not _ask(prometheus, query, every(board))]
    assert empty == []


def _jobs(prometheus: httpx.Client) -> list[Labels]:
    """Return the identity of every job, running ones first."""
    found = _get(prometheus, "query", query="sort_desc(streaming_job_state{state='running'})")[
        "result"
    ]
    return [each["metric"] for each in found]


def _one(labels: Labels) -> dict[str, str]:
    return {
        "source": chosen(labels["source"]),
        "platform": chosen(labels["platform"]),
        # Some jobs have no project, and nobody can choose none.
        "project": chosen(labels["project"]) if "project" in labels else ".*",
        "job_name": chosen(labels["job_name"]),
    }


@pytest.mark.parametrize("uid", UIDS)
def test_every_query_finds_data_of_one_job(prometheus: httpx.Client, uid: str) -> None:
    """No job has nodes and checkpoints and reports records, so any that has the data will do."""
    board = load(uid)
    jobs = _jobs(prometheus)
    empty = []
    for query in queries(board):
        if "$job_name" not in query.expr:
            continue
        for job in jobs:
            found = _ask(prometheus, query, {**every(board), **_one(job)})
            # Alerts about the source of the job are marked as well, and have no job.
            names = {labels["job_name"] for labels, _ in found if labels.get("job_name")}
            assert names <= {job["job_name"]}, query.place
            sources = {labels["source"] for labels, _ in found if "source" in labels}
            assert sources <= {job["source"]}, query.place
            if found:
                break
        else:
            empty.append(query.place)
    assert empty == []


@pytest.mark.parametrize(
    ("uid", "source"),
    [
        ("streaming-overview", "factory"),
        ("streaming-overview", "flink"),
        ("streaming-exporter", "dli-prod"),
        ("streaming-exporter", "flink"),
    ],
)
def test_every_query_finds_data_of_one_source_or_says_nothing_happened(
    prometheus: httpx.Client, uid: str, source: str
) -> None:
    board = load(uid)
    # Only some platforms have these, and only one is throttled.
    only_some = (
        *("Throttling", "Restarts", "Input delay", "input delay", "attention", "annotation"),
        *("Absent", "Clusters found", "Figures asked for"),
    )
    empty = [
        query.place
        for query in queries(board)
        if not _ask(prometheus, query, {**every(board), "source": chosen(source)})
    ]
    assert [place for place in empty if not any(word in place for word in only_some)] == []


@pytest.mark.parametrize("uid", UIDS)
def test_every_variable_has_something_to_choose(prometheus: httpx.Client, uid: str) -> None:
    board = load(uid)
    for name, variable in variables(board).items():
        if variable["type"] == "query":
            found = options(variable, {**every(board), **MACROS}, _getting(prometheus))
            assert len(found) > 0, name


def test_choosing_a_source_leaves_its_jobs_to_choose(prometheus: httpx.Client) -> None:
    board = load("streaming-overview")
    values = {**every(board), "source": chosen("edge")}
    get = _getting(prometheus)
    assert options(variables(board)["job_name"], values, get) == ["99271"]
    values = {**every(board), "platform": chosen("apache_flink", "alibaba_blink")}
    assert options(variables(board)["source"], values, get) == ["blink", "flink"]


@pytest.mark.parametrize("uid", UIDS)
def test_dashboard_that_is_opened_draws_no_more_than_fifty_series_in_a_panel(
    prometheus: httpx.Client, uid: str
) -> None:
    board = load(uid)
    values = opened(board, MACROS, _getting(prometheus))
    drawn_of: Counter[str] = Counter()
    for query in queries(board, switched_on=True):
        found = _ask(prometheus, query, values, as_drawn=True)
        drawn_of[query.place.rpartition(": ")[0]] += len(found)
    drawn_by = {f"{uid}: {title}": drawn_of[f"{uid}: {title}"] for title in drawn(board)}
    assert {place: count for place, count in drawn_by.items() if count > 50} == {}
    assert max(drawn_by.values()) > 1


def test_dashboard_of_one_job_shows_one(prometheus: httpx.Client) -> None:
    board = load("streaming-job")
    values = opened(board, MACROS, _getting(prometheus))
    query = next(query for query in queries(board) if ": State: " in query.place)
    names = {labels["job_name"] for labels, _ in _ask(prometheus, query, values)}
    assert [chosen(name) for name in names] == [values["job_name"]]


def test_panels_of_jobs_that_stand_out_show_ten_at_most(prometheus: httpx.Client) -> None:
    board = load("streaming-overview")
    values = opened(board, MACROS, _getting(prometheus))
    for name in ("Input delay", "Restarts over time"):
        query = next(query for query in queries(board) if f": {name}: " in query.place)
        names = {labels["job_name"] for labels, _ in _ask(prometheus, query, values)}
        assert 1 <= len(names) <= 10
        # With everything chosen it would be more, or as many where there are no more.
        assert names <= {labels["job_name"] for labels, _ in _ask(prometheus, query, every(board))}


def test_name_that_looks_like_a_regular_expression_chooses_that_job_alone(
    prometheus: httpx.Client,
) -> None:
    board = load("streaming-job")
    query = next(query for query in queries(board) if ": State: " in query.place)
    values = {**every(board), "job_name": chosen(HOSTILE)}
    assert [labels["job_name"] for labels, _ in _ask(prometheus, query, values)] == [HOSTILE]
    values = {**every(board), "job_name": chosen(HOSTILE, "fraud_scoring")}
    found = {labels["job_name"] for labels, _ in _ask(prometheus, query, values)}
    assert found == {HOSTILE, "fraud_scoring"}


def test_failed_jobs_of_the_api_need_attention_on_the_dashboard(
    prometheus: httpx.Client, station: Station
) -> None:
    query = next(
        query
        for query in queries(load("streaming-overview"))
        if query.place.endswith("Jobs that need attention: A")
    )
    shown = {
        (labels["source"], labels["job_name"])
        for labels, _ in _ask(prometheus, query, every(load("streaming-overview")))
    }
    told = httpx.get(f"http://{station.address}/api/v1/jobs", timeout=10, trust_env=False).json()
    failed = {(job["source"], job["job_name"]) for job in told["jobs"] if job["state"] == "failed"}
    assert failed
    assert failed <= shown


def test_every_metric_named_is_in_prometheus(prometheus: httpx.Client) -> None:
    known = set(prometheus.get("label/__name__/values").json()["data"])
    assert _named() <= known


def test_links_of_a_row_are_complete(prometheus: httpx.Client) -> None:
    query = next(
        query
        for query in queries(load("streaming-overview"))
        if query.place.endswith("Jobs that need attention: A")
    )
    found = _ask(prometheus, query, every(load("streaming-overview")))
    assert len(found) > 5
    runbooks = Path(__file__).parents[2] / "docs" / "runbooks"
    for labels, _ in found:
        has_console = any(labels["platform"] in names.split("|") for names in CONSOLES)
        assert labels.get("console", "").startswith("http") == has_console
        assert (runbooks / f"{labels['runbook']}.md").exists(), labels
    consoles = {labels["platform"]: labels.get("console") for labels, _ in found}
    assert consoles["huawei_dli"] == "https://console.huaweicloud.com/dli"
    assert consoles["alibaba_flink"] == "https://realtime-compute.console.aliyun.com"
    assert consoles["apache_flink"] == FLINK
