"""With two exporters no alert about a job is lost, doubled or ended because of one of them.

Real Prometheus and Alertmanager run the shipped rules and routes, thirty times as fast. Two
exporters watch one cluster, as replicas or as two shards, six times over at once: one dies, is
blind, or is new. What came of it is the table in docs/scaling.md, in
both languages; `--update-golden` writes it.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import pytest

from exporter.collecting.sharding import Shard
from exporter.simulator.clouds import build_clouds
from exporter.simulator.fleet.fleet import Fleet, Phase
from tests.e2e import two_exporters_table
from tests.monitoring.crowd import Crowd, Member
from tests.monitoring.rig import FACTOR, Rig, monitoring

# Whatever is real takes all that there is, so it runs one after the other.
pytestmark = pytest.mark.xdist_group("real")

SOURCE, ALERT = "flink", "StreamingJobFailed"
POLL = 30 / FACTOR
KEPT = 300 / FACTOR
"""Seconds for which an alert that is over goes on, a series that is gone is found, and a group
waits: whatever ends falsely has ended, and was told, after three of them."""


@dataclass(frozen=True, slots=True)
class Cell:
    """How two exporters watch the cluster, and what befalls the second of them."""

    how: str
    what: str

    @property
    def name(self) -> str:
        """Return the name of their scrape job."""
        return f"{self.how} {self.what}"

    def shard(self, ordinal: int) -> Shard:
        """Return which shard one of the two is."""
        return Shard(ordinal=ordinal, total=2) if self.how == "shards" else Shard()

    def members(self) -> list[Member]:
        """Return both of them; who is new comes later."""
        return [
            Member(f"{self.name} 0", self.shard(0)),
            Member(f"{self.name} 1", self.shard(1), early=self.what != "is new"),
        ]


CELLS = [
    Cell(how, what) for how in ("replicas", "shards") for what in ("dies", "is blind", "is new")
]


def _names(kind: str) -> tuple[str, str]:
    """Return names of two jobs, one of each shard."""
    found: dict[int, str] = {}
    for number in range(100):
        name = f"{kind}_{number}"
        for ordinal in (0, 1):
            if Shard(ordinal=ordinal, total=2).owns(SOURCE, "", name):
                found.setdefault(ordinal, name)
    return found[0], found[1]


FAILED_BEFORE, FAILED_MEANWHILE, HEALTHY = (
    _names(kind) for kind in ("settlements", "payments", "orders")
)
JOBS = (*FAILED_BEFORE, *FAILED_MEANWHILE, *HEALTHY)


def _configuration(cluster: str) -> str:
    return (
        f"defaults: {{poll_interval: {POLL}, detail_interval: 30, stale_after: {KEPT}}}\n"
        f"sources: [{{name: {SOURCE}, platform: apache_flink, endpoint: '{cluster}'}}]\n"
    )


@dataclass(frozen=True, slots=True)
class Scene:
    """All that is running."""

    rig: Rig
    crowd: Crowd
    fleet: Fleet

    def put(self, names: Sequence[str], phase: Phase) -> None:
        """Put jobs of the cluster into a phase."""

        def put(now: float) -> None:
            for name in names:
                self.fleet.set_phase(name, phase, now)

        self.crowd.do(put)

    def wait(self, done: Callable[[], bool], what: str) -> None:
        """Wait for something in Prometheus or Alertmanager."""
        deadline = time.monotonic() + 120
        while not done():
            assert time.monotonic() < deadline, f"waited for {what}"
            time.sleep(0.2)

    def news(self, cell: Cell, job: str) -> list[str]:
        """Return what was told of a job in one cell, without what was told again."""
        statuses = [
            alert["status"]
            for told in self.rig.webhook.about(job=cell.name, job_name=job)
            for alert in told.alerts
            if alert["labels"].get("job_name") == job
        ]
        return [status for status, _ in groupby(statuses)]

    def all_told(self, status: str, cells: Sequence[Cell], names: Sequence[str]) -> bool:
        """Say whether the last that was told of these jobs in these cells is that."""
        return all(self.news(cell, name)[-1:] == [status] for cell in cells for name in names)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    cluster = build_clouds(clock=time.time, jobs=0).flink
    fleet = cluster.fleet
    assert fleet is not None
    for view in fleet.views(time.time()):
        fleet.remove(view.name, time.time())
    for name in JOBS:
        fleet.add(name, time.time())
    members = [member for cell in CELLS for member in cell.members()]
    with Crowd(cluster.app, members, _configuration) as crowd:
        targets = {
            cell.name: [crowd.address(member.name) for member in cell.members()] for cell in CELLS
        }
        with monitoring(targets, tmp_path_factory.mktemp("two")) as rig:
            yield Scene(rig, crowd, fleet)


@pytest.fixture(scope="module")
def outcome(scene: Scene) -> dict[Cell, list[str]]:
    """Tell the whole story, and return the row of each cell."""
    rig, crowd = scene.rig, scene.crowd
    both = [cell for cell in CELLS if cell.what != "is new"]
    seen = 'count by (job) (max by (job, job_name) (streaming_job_state{state="running"} == 1))'
    scene.wait(lambda: sum(rig.query(seen).values()) == len(JOBS) * 5 + len(JOBS) / 2, "the jobs")
    scene.put(FAILED_BEFORE, Phase.FAILED)
    scene.wait(lambda: scene.all_told("firing", both, FAILED_BEFORE), "what failed before")

    crowd.stop(*(f"{cell.name} 1" for cell in CELLS if cell.what == "dies"))
    crowd.blind(*(f"{cell.name} 1" for cell in CELLS if cell.what == "is blind"))
    crowd.start(*(f"{cell.name} 1" for cell in CELLS if cell.what == "is new"))
    time.sleep(2 * POLL)
    scene.put(FAILED_MEANWHILE, Phase.FAILED)
    time.sleep(3 * KEPT)
    beside = {cell: _beside(rig, cell) for cell in CELLS}

    scene.put((FAILED_BEFORE[0], FAILED_MEANWHILE[0]), Phase.RUNNING)
    sighted = [cell for cell in CELLS if cell.how == "replicas" or cell.what == "is new"]
    scene.put((FAILED_BEFORE[1], FAILED_MEANWHILE[1]), Phase.RUNNING)
    repaired = (FAILED_BEFORE[0], FAILED_MEANWHILE[0])
    scene.wait(lambda: scene.all_told("resolved", CELLS, repaired), "the end of what is repaired")
    others = (FAILED_BEFORE[1], FAILED_MEANWHILE[1])
    scene.wait(lambda: scene.all_told("resolved", sighted, others), "the end of the others")
    return {
        cell: [
            *(_told(scene, cell, which, ordinal) for which in STORIES for ordinal in (0, 1)),
            beside[cell],
        ]
        for cell in CELLS
    }


STORIES = (FAILED_BEFORE, FAILED_MEANWHILE)


def _told(scene: Scene, cell: Cell, names: tuple[str, str], ordinal: int) -> str:
    words = {
        (): "not told",
        ("firing",): "told, and stays",
        ("firing", "resolved"): "told, and ended with the repair",
    }
    return words[tuple(scene.news(cell, names[ordinal]))]


def _beside(rig: Rig, cell: Cell) -> str:
    """Return what else is told of the exporters of a cell, and how bad it is."""
    selector = f'ALERTS{{alertstate="firing", job="{cell.name}", alertname!="{ALERT}"}}'
    found = (dict(series) for series in rig.query(selector))
    told = sorted(f"{each['alertname']} ({each['severity']})" for each in found)
    return ", ".join(told) or "nothing"


def test_no_job_of_the_exporter_that_is_well_is_lost_or_ended_falsely(
    outcome: dict[Cell, list[str]],
) -> None:
    for cell, (before, _, meanwhile, *_rest) in outcome.items():
        assert before == "told, and ended with the repair", cell
        assert meanwhile == "told, and ended with the repair", cell


def test_replica_that_is_left_tells_of_all_jobs(outcome: dict[Cell, list[str]]) -> None:
    for cell, (*told, _) in outcome.items():
        if cell.how == "replicas":
            assert set(told) == {"told, and ended with the repair"}, cell


def test_what_nobody_sees_any_more_stays_as_it_was_told(outcome: dict[Cell, list[str]]) -> None:
    for cell, (_, before, _, meanwhile, _) in outcome.items():
        if cell.how == "shards" and cell.what != "is new":
            assert (before, meanwhile) == ("told, and stays", "not told"), cell


def test_no_alert_is_doubled(scene: Scene, outcome: dict[Cell, list[str]]) -> None:
    assert outcome
    firing = f'ALERTS{{alertstate="firing", alertname="{ALERT}"}}'
    most = f"max_over_time(count by (job, source, job_name) ({firing})[3m:1s])"
    found = scene.rig.query(most)
    assert len(found) > len(CELLS)
    assert set(found.values()) == {1.0}


def test_jobs_that_are_well_are_never_told(scene: Scene, outcome: dict[Cell, list[str]]) -> None:
    assert outcome
    for cell in CELLS:
        assert [scene.news(cell, name) for name in HEALTHY] == [[], []]


def test_table_in_the_documentation_is_what_came_of_it(
    outcome: dict[Cell, list[str]], request: pytest.FixtureRequest
) -> None:
    rows = [[cell.how, cell.what, *_turned(row)] for cell, row in outcome.items()]
    for path in two_exporters_table.PAGES:
        text = two_exporters_table.page(path, rows)
        if request.config.getoption("--update-golden"):
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text


def _turned(row: list[str]) -> list[str]:
    """Return a row with what concerns the exporter first to which something happens."""
    first, second, third, fourth, beside = row
    return [second, first, fourth, third, beside]
