"""Describe jobs with a known fate, and submit them through one long-lived JVM."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from tests.flink_cluster.process import GuardedProcess

Shape = Literal["chained", "unchained", "reduced"]
"""How the operators of a job that counts are put into vertices."""

JobKind = Literal[
    "running",
    "finishing",
    "failing",
    "crash_looping",
    "late_sql",
    "late_stream",
    "starting",
    "counting",
    "steered",
]
"""What becomes of a job.

- `running`: reads and writes until it is cancelled, with a checkpoint every second.
- `finishing`: ends FINISHED after 200 rows.
- `failing`: divides by zero at the first row and ends FAILED.
- `crash_looping`: the same, restarted every second for ever.
- `late_sql`: a windowed SQL job whose events are `late_seconds` old; two vertices.
- `late_stream`: a DataStream job with such events; its source reports the lag itself.
- `starting`: the same, held in INITIALIZING for 10 seconds.
- `counting`: counts for itself, into files of `folder`, what it reads and writes; it is of one of
  the shapes that Counting.java tells.
- `steered`: does what files of `folder` tell it, as Steered.java says.
"""


class SubmissionError(Exception):
    """Flink, or its SQL planner, refused a job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """One job to submit; `settings` are added to Flink's configuration of this job."""

    name: str
    kind: JobKind = "running"
    parallelism: int = 1
    late_seconds: int = 120
    checkpoints: bool = True
    shape: Shape = "chained"
    folder: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)


_SINK = "CREATE TABLE sink (id BIGINT) WITH ('connector' = 'blackhole')"
_COPY = "INSERT INTO sink SELECT id FROM orders"
_DIVIDE_BY_ZERO = "INSERT INTO sink SELECT id / (id - id) FROM orders"
_COUNT_PER_WINDOW = (
    "INSERT INTO sink SELECT COUNT(*) FROM TABLE("
    "TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' SECOND)) "
    "GROUP BY id, window_start, window_end"
)
_RENAMED = {
    "restart-strategy.type": ((1, 18), "restart-strategy"),
    "execution.checkpointing.storage": ((1, 20), "state.checkpoint-storage"),
}
"""The version since which a setting is called so, and what it was called before."""
_SETTINGS = {
    "running": {"restart-strategy.type": "fixed-delay"},
    "counting": {
        "restart-strategy.type": "fixed-delay",
        "restart-strategy.fixed-delay.attempts": "2147483647",
        "restart-strategy.fixed-delay.delay": "1 s",
    },
    "steered": {"execution.checkpointing.storage": "Steered$Patience"},
    "failing": {"restart-strategy.type": "none"},
    "crash_looping": {
        "restart-strategy.type": "fixed-delay",
        "restart-strategy.fixed-delay.attempts": "2147483647",
        "restart-strategy.fixed-delay.delay": "1 s",
    },
    "starting": {
        "execution.checkpointing.storage": "Submit$SlowStorage",
        "rig.start-delay": "10 s",
    },
}


def _orders(columns: str = "id INT", **options: str) -> str:
    options = {"connector": "datagen", "rows-per-second": "10"} | options
    joined = ", ".join(f"'{key}' = '{value}'" for key, value in options.items())
    return f"CREATE TABLE orders ({columns}) WITH ({joined})"


def _statements(job: JobSpec) -> list[str]:
    if job.kind == "finishing":
        limited = {"number-of-rows": "200", "rows-per-second": "1000"}
        return [_orders(**limited), _SINK, _COPY]
    if job.kind in ("failing", "crash_looping"):
        return [_orders(), _SINK, _DIVIDE_BY_ZERO]
    if job.kind == "late_sql":
        event_time = f"ts AS TIMESTAMPADD(SECOND, -{job.late_seconds}, CURRENT_TIMESTAMP)"
        columns = f"id INT, {event_time}, WATERMARK FOR ts AS ts"
        return [_orders(columns), _SINK, _COUNT_PER_WINDOW]
    return [_orders(), _SINK, _COPY]


def _lines(job: JobSpec, version: tuple[int, int]) -> Iterator[str]:
    settings = {
        "pipeline.name": job.name,
        "parallelism.default": str(job.parallelism),
        **({"execution.checkpointing.interval": "1 s"} if job.checkpoints else {}),
        **_SETTINGS.get(job.kind, {}),
        **job.settings,
    }
    for key, value in settings.items():
        first, before = _RENAMED.get(key, ((0, 0), key))
        yield f"set\t{before if version < first else key}\t{value}"
    if job.kind == "steered":
        yield f"set\trig.folder\t{job.folder}"
        yield f"steer\t{job.folder}"
    elif job.kind == "counting":
        yield f"count\t{job.shape}\t{job.folder}"
    elif job.kind in ("late_stream", "starting"):
        yield f"late\t{job.late_seconds}"
    else:
        for statement in _statements(job):
            yield f"sql\t{statement}"
    yield "end"


def submit(
    submitter: GuardedProcess, jobs: Iterable[JobSpec], version: tuple[int, int]
) -> dict[str, str]:
    """Submit jobs through a running `Submit` process and return their ids by name.

    `version` are the first two numbers of Flink's.

    A name may be submitted again later, but not twice in one call: the answer could hold only one.
    """
    submitted: dict[str, str] = {}
    for job in jobs:
        if job.name in submitted:
            raise ValueError(f"two jobs named {job.name} in one call")
        answer, _, text = _exchange(submitter, _lines(job, version)).partition("\t")
        if answer != "jid":
            raise SubmissionError(f"{job.name}: {text or submitter.tail()}")
        submitted[job.name] = text
    return submitted


def _exchange(submitter: GuardedProcess, lines: Iterable[str]) -> str:
    try:
        submitter.stdin.write("".join(f"{line}\n" for line in lines).encode())
        submitter.stdin.flush()
    except BrokenPipeError:
        return ""
    return submitter.stdout.readline().decode().rstrip("\n")
