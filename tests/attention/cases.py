"""Read the cases of a problem: looks at one job, one after the other, and what is told after each.

A case has `limits` as in the configuration, the `job` as it is at first, and `looks`. Each look has
a time `at`; what it says of the job holds until another says otherwise. Times of the job (names
that end with `_timestamp`) are given like `at`, as durations since the beginning. With `up: false`
the poll failed, with `left: true` the job is not listed any more. `told` is what is told then: all
problems of the job and when they began.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from exporter.attention.tracker import SourceAttention
from exporter.attention_settings import AttentionSettings
from exporter.model import GoneJob, Job, JobKey, Node, Snapshot, State
from exporter.process.steps import finished
from exporter.settings import parse_duration
from tests.virtual_time import EPOCH

HERE = Path(__file__).parent
KEY = JobKey(project="p", job_id="1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One story of one job."""

    problem: str
    name: str
    job: Mapping[str, Any]
    looks: tuple[Mapping[str, Any], ...]
    limits: Mapping[str, Any] = field(default_factory=dict)
    rescales: bool = False


def cases() -> Iterator[Case]:
    """Yield the cases of all problems."""
    for path in sorted(HERE.glob("cases/*.yml")):
        for entry in yaml.safe_load(path.read_text(encoding="utf-8")):
            looks = tuple(entry.pop("looks"))
            yield Case(problem=path.stem, looks=looks, **entry)


def play(case: Case) -> Iterator[tuple[Mapping[str, Any], dict[str, float]]]:
    """Yield each look, and what is told after it: problems with when they began."""
    attention = SourceAttention(
        AttentionSettings.model_validate(case.limits), rescales=case.rescales
    )
    facts = dict(case.job)
    snapshot: Snapshot | None = None
    for look in case.looks:
        facts |= {name: value for name, value in look.items() if name not in _OF_A_LOOK}
        before, snapshot = snapshot, _next(snapshot, facts, look)
        problems = finished(attention.take(before, snapshot))
        assert all(problem.key == KEY and problem.job_name == "orders" for problem in problems)
        assert len({problem.kind for problem in problems}) == len(problems)
        yield look, {each.kind.value: each.since_timestamp - EPOCH for each in problems}


_OF_A_LOOK = frozenset({"at", "up", "left", "gone", "told"})


def _next(before: Snapshot | None, facts: Mapping[str, Any], look: Mapping[str, Any]) -> Snapshot:
    now = EPOCH + parse_duration(look["at"])
    snapshot = before or Snapshot(source="s", platform="p", stale_after=300.0)
    if not look.get("up", True):
        return replace(snapshot, up=False, last_poll_timestamp=now)
    gone = look.get("gone", False)
    jobs = () if gone or look.get("left") else (job(facts, now),)
    return replace(
        snapshot,
        up=True,
        last_poll_timestamp=now,
        last_success_timestamp=now,
        jobs=jobs,
        gone=(_gone(snapshot, now),) if gone else (),
    )


def _gone(snapshot: Snapshot, now: float) -> GoneJob:
    (last,) = snapshot.jobs
    return GoneJob(
        key=KEY,
        job_name=last.job_name,
        job_kind=last.job_kind,
        last_state=last.state,
        last_seen_timestamp=last.observed_timestamp,
        gone_timestamp=now,
    )


def job(facts: Mapping[str, Any], now: float) -> Job:
    """Return the job of a case as it is seen at a time."""
    known = {
        name: _known(name, value) for name, value in facts.items() if name not in ("state", "nodes")
    }
    nodes = tuple(
        Node(name=name, state=State(state)) for name, state in facts.get("nodes", {}).items()
    )
    known = {"observed_timestamp": now} | known
    return Job(
        project=KEY.project,
        job_id=KEY.job_id,
        job_name="orders",
        state=State(facts["state"]),
        nodes=nodes,
        **known,
    )


def _known(name: str, value: Any) -> Any:
    if value is None or not name.endswith(("_timestamp", "_seconds")):
        return value
    return parse_duration(value) + (EPOCH if name.endswith("_timestamp") else 0)
