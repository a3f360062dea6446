"""Tell one story in which jobs of a real cluster come to every problem that Flink can have.

All limits are seconds. Some jobs pass them and some just do not; then nobody reaches the cluster
for longer than any limit, while what was wrong is put right and what was right goes wrong. In the
end another JobManager takes the place of the one that knew them all.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.flink_cluster.cluster import FlinkCluster
from tests.flink_cluster.jobs import JobSpec
from tests.flink_cluster.outages import Passage
from tests.flink_cluster.watched import WatchingExporter
from tests.scrape import samples

Told = frozenset[tuple[str, str]]
"""Problems, each with the name of its job."""

NOT_RUNNING_AFTER = 3.0
STUCK_AFTER = 9.0
CHECKPOINT_AGE = 10.0
FAR_BEHIND = 100.0
BURST, BUDGET, CHECKPOINTS_FAILING = 4, 5, 3
STALE_AFTER = 8.0
_BURST_WITHIN = 6.0
_OUTAGE = 14.0
"""Seconds: longer than all limits but that of the budget, and than values outlive a source."""
_LOOK_EVERY = 0.25
_PATIENCE = 60.0

SETTINGS = {
    "rate_limit": "500",
    "concurrency": "16",
    "stale_after": f"{STALE_AFTER}s",
    "expect": "[required, later]",
    "attention": (
        f"{{not_running_after: {NOT_RUNNING_AFTER}s, stuck_after: {STUCK_AFTER}s, "
        f"checkpoint_age: {CHECKPOINT_AGE}s, checkpoints_failing: {CHECKPOINTS_FAILING}, "
        f"restarts: {{burst: {BURST}, within: {_BURST_WITHIN}s, "
        f"budget: {BUDGET}, budget_within: 60s}}, "
        f"input_delay: {{far_behind: {FAR_BEHIND}s}}}}"
    ),
}

TOLD = frozenset(
    {
        ("failed", "doomed"),
        ("not_running", "required"),
        ("restarting_often", "looping"),
        ("restarting_often", "dripping"),
        ("stuck", "held"),
        ("stuck", "resting"),
        ("stuck", "lingering"),
        ("stuck", "waiting"),
        ("far_behind", "late"),
        ("checkpoints_failing", "unsaved"),
        ("checkpoint_old", "unsaved"),
    }
)
"""What comes to be told before the outage, and is put right while nobody sees it."""
BEGUN_UNSEEN = frozenset(
    {
        ("failed", "brittle"),
        ("not_running", "later"),
        ("restarting_often", "calm"),
        ("stuck", "pausing"),
        ("far_behind", "nearly"),
        ("checkpoints_failing", "nearly"),
        ("checkpoint_old", "nearly"),
    }
)
"""What goes wrong while nobody sees it."""
TOO = frozenset({("stuck", "dripping"), ("stuck", "looping"), ("stuck", "calm")})
"""What may be told too: that a job is stuck which is never seen to run between two crashes."""
ENDED = frozenset({"brittle", "later", "optional", "dripping", "lingering", "resting"})
"""Jobs that had ended when the JobManager was replaced."""

_NO_CHECKPOINTS = (
    "looping",
    "dripping",
    "calm",
    "resting",
    "late",
    "lingering",
    "waiting",
    "pausing",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one page said."""

    moment: float
    since: dict[tuple[str, str], float]
    """When each problem began."""
    up: bool
    jobs: frozenset[str]
    """The jobs that had a state."""
    states: frozenset[tuple[str, str]]
    """Names of jobs, each with its state."""
    figures: dict[str, dict[str, float]]
    """Restarts, delays and checkpoints by family and job."""

    @property
    def told(self) -> Told:
        """Return the problems."""
        return frozenset(self.since)


@dataclass(slots=True)
class Story:
    """All pages, by the part of the story in which they were read."""

    arrival: list[Look] = field(default_factory=list)
    """Until all jobs are known: to start so many takes a busy machine a while."""
    before: list[Look] = field(default_factory=list)
    outage: list[Look] = field(default_factory=list)
    after: list[Look] = field(default_factory=list)
    exchange: list[Look] = field(default_factory=list)
    """While one JobManager is gone and another not there yet."""
    exchanged: list[Look] = field(default_factory=list)
    unseen_return: list[Look] = field(default_factory=list)
    """While one of the jobs that are gone runs again, and nobody can see it."""
    returned: list[Look] = field(default_factory=list)


_FIGURES = (
    "restart_times",
    "input_delay_seconds",
    "checkpoints_failed",
    "last_checkpoint_completed_timestamp_seconds",
)


class Teller:
    """Makes the story happen, and reads the page all the time."""

    def __init__(
        self, cluster: FlinkCluster, passage: Passage, exporter: WatchingExporter, folder: Path
    ) -> None:
        self._cluster = cluster
        self._passage = passage
        self._exporter = exporter
        self._folder = folder
        self._ids: dict[str, str] = {}
        self._story = Story()

    def tell(self) -> Story:
        """Return what the pages said. Raises AssertionError when something never happens."""
        story = self._story
        self._begin()
        self._passage.close()
        self._turn()
        self._watch(story.outage, seconds=_OUTAGE)
        self._passage.open()
        self._until(story.after, lambda look: look.told - TOO == BEGUN_UNSEEN, "all is as it is")
        self._cluster.stop_jobmanager()
        self._until(story.exchange, lambda look: not look.up, "nobody answers")
        self._watch(story.exchange, seconds=2)
        self._cluster.start_jobmanager()
        self._until(story.exchanged, lambda look: ("gone", "late") in look.told, "jobs are gone")
        self._watch(story.exchanged, seconds=2)
        self._passage.close()
        self._submit(["late"])
        self._cluster.wait_for(self._ids["late"], "RUNNING")
        self._watch(story.unseen_return, seconds=3)
        self._passage.open()
        self._until(story.returned, lambda look: ("gone", "late") not in look.told, "late is back")
        return story

    def _begin(self) -> None:
        """Bring about all that is told before the outage."""
        before = self._story.before
        self._order("doomed", crash=1)
        self._order("held", hold="")
        self._order("lingering", linger="")
        self._order("late", age="150 0 0")
        self._order("nearly", age="90 0 0")
        early = [name for name in _SPECS if name != "waiting"]
        self._submit(early)
        for name in ("required", "optional", "lingering"):
            self._cluster.wait_for(self._ids[name], "RUNNING")
            self._cluster.cancel(self._ids[name])
        well = {"looping", "dripping", "calm", "nearly", "pausing", "unsaved", "resting", "plain"}
        self._until(
            self._story.arrival,
            lambda look: (
                look.figures["restart_times"].keys() >= well
                and not well & {job for _, job in look.told}
                and {(job, "running") for job in well} <= look.states
                and look.figures["checkpoints_failed"].keys() >= {"nearly", "unsaved"}
            ),
            "all are known",
        )
        self._submit(["waiting"])
        self._order("resting", crash=1)
        self._order("pausing", crash=1)
        self._order("dripping", crash=_FOR_EVER)
        self._order("calm", crash=BURST - 1)
        self._order("unsaved", decline=_FOR_EVER)
        self._order("nearly", decline=CHECKPOINTS_FAILING - 1)
        looping = ("restarting_often", "looping")
        self._until(before, lambda look: look.told >= TOLD - {looping}, "all is told but one")
        # Few enough restarts for the budget, so that this one is over soon.
        self._order("looping", crash=BURST)
        self._until(before, lambda look: look.told >= TOLD, "all is told")

    def _turn(self) -> None:
        """Put right what is wrong, and make go wrong what is not."""
        for name, file in (("held", "hold"), ("lingering", "linger"), ("unsaved", "decline")):
            (self._folder / name / file).unlink()
        self._order("late", age="10 0 0")
        for name in ("dripping", "resting", "later"):
            self._cluster.cancel(self._ids[name])
        self._order("brittle", crash=1)
        self._order("calm", crash=_FOR_EVER)
        self._order("pausing", crash=1)
        self._order("nearly", age="150 0 0", decline=_FOR_EVER)
        self._submit(["doomed", "required"])

    def _submit(self, names: Iterable[str]) -> None:
        specs = [_spec(name, self._folder) for name in names]
        self._ids |= self._cluster.submit(specs)

    def _order(self, name: str, **files: str | int) -> None:
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        for file, text in files.items():
            made = folder / f".{file}"
            made.write_text(str(text))
            # Whole, or not there: it is read twenty times a second.
            made.rename(folder / file)

    def _watch(self, looks: list[Look], *, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            looks.append(self._look())
            time.sleep(_LOOK_EVERY)

    def _until(self, looks: list[Look], reached: Callable[[Look], bool], what: str) -> None:
        deadline = time.monotonic() + _PATIENCE
        while True:
            look = self._look()
            looks.append(look)
            if reached(look):
                return
            assert time.monotonic() < deadline, f"{what}: {sorted(look.told)}"
            time.sleep(_LOOK_EVERY)

    def _look(self) -> Look:
        moment, page = time.time(), self._exporter.page()
        since, states, up = {}, set(), False
        figures: dict[str, dict[str, float]] = {name: {} for name in _FIGURES}
        for name, labels, value in samples(page):
            job = labels.get("job_name", "")
            if name == "streaming_job_problem_since_timestamp_seconds":
                since[labels["problem"], job] = value
            elif name == "streaming_job_state" and value == 1:
                states.add((job, labels["state"]))
            elif name == "streaming_source_up":
                up = value == 1
            elif (family := name.removeprefix("streaming_job_")) in figures:
                figures[family][job] = value
        return Look(
            moment=moment,
            since=since,
            up=up,
            jobs=frozenset(job for job, _ in states),
            states=frozenset(states),
            figures=figures,
        )


_FOR_EVER = 1_000_000


def _delayed(seconds: float) -> dict[str, str]:
    return {
        "restart-strategy.type": "fixed-delay",
        "restart-strategy.fixed-delay.attempts": "2147483647",
        "restart-strategy.fixed-delay.delay": f"{seconds * 1000:.0f} ms",
    }


_SPECS = {
    "doomed": {"restart-strategy.type": "none"},
    "required": _delayed(1),
    "optional": _delayed(1),
    "lingering": _delayed(1),
    "late": _delayed(1),
    "looping": _delayed(0.2),
    "dripping": _delayed(3),
    "unsaved": _delayed(1),
    "held": _delayed(1),
    "resting": _delayed(3600),
    "nearly": _delayed(1),
    # Long enough that it is seen to restart at one of three times, with polls of a second.
    "calm": _delayed(1),
    "later": _delayed(1),
    "brittle": {"restart-strategy.type": "none"},
    # The first pause is shorter than what is called stuck, the second one longer.
    "pausing": {
        "restart-strategy.type": "exponential-delay",
        "restart-strategy.exponential-delay.initial-backoff": "3 s",
        "restart-strategy.exponential-delay.max-backoff": "1 h",
        "restart-strategy.exponential-delay.backoff-multiplier": "20",
        "restart-strategy.exponential-delay.jitter-factor": "0",
        "restart-strategy.exponential-delay.reset-backoff-threshold": "1 h",
    },
    "plain": {"execution.checkpointing.interval": "5 s"},
    # No slot is left for it.
    "waiting": _delayed(1),
}
"""The jobs, each with what it does after a crash."""


def _spec(name: str, folder: Path) -> JobSpec:
    (folder / name).mkdir(exist_ok=True)
    return JobSpec(
        name=name,
        kind="steered",
        folder=str(folder / name),
        checkpoints=name not in _NO_CHECKPOINTS,
        settings={"execution.checkpointing.tolerable-failed-checkpoints": "1000", **_SPECS[name]},
    )
