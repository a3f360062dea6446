"""The stories a simulated fleet tells: which job fails, crash-loops, lags or vanishes, and when.

One act lasts `ACT` seconds when told at its own pace; a fleet stretches it to its period and
repeats it. The phases interlock: at any moment FAILED, STOPPED, DRAFT and RUNNING exist, and at
most one of RESTARTING, FINISHED, SUSPENDED and STOPPING is missing, so that a fleet with all
twelve stories always shows at least seven phases.
"""

from dataclasses import dataclass
from hashlib import sha256

from exporter.simulator.fleet.values import Failure, Phase, SimulatedJob, Step

ACT = 600.0

_HOUR = 3600.0

_FAILURES = (
    Failure(
        error_id="RUNTIME.1001",
        error_type="org.apache.flink.runtime.JobException",
        text="Recovery is suppressed by FixedDelayRestartBackoffTimeStrategy"
        "(maxNumberRestartAttempts=3, backoffTimeMS=10000)",
    ),
    Failure(
        error_id="SOURCE.2003",
        error_type="org.apache.kafka.common.errors.TimeoutException",
        text="Timeout expired while fetching topic metadata",
    ),
    Failure(
        error_id="RUNTIME.1027",
        error_type="java.lang.OutOfMemoryError",
        text="Java heap space",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """How one job of the fleet behaves: before the start (`history`) and in every act.

    A `reborn` story has one timeline, in `act`, which may begin before the act and end after it.
    """

    name: str
    title: str
    history: tuple[tuple[float, Phase], ...] = ()
    act: tuple[tuple[float, Phase, int], ...] = ()
    plain_name: str = ""
    reborn: bool = False
    restart_every: float | None = None
    lag_slope: float = 0.0


_UP = ((-7 * _HOUR - 20, Phase.STARTING), (-7 * _HOUR, Phase.RUNNING))

STORIES = (
    Story(
        name="payments_dedup",
        title="fails, and is fixed and started again four minutes later",
        history=_UP,
        act=((60, Phase.FAILED, 1), (300, Phase.STARTING, 2), (315, Phase.RUNNING, 2)),
    ),
    Story(
        name="clickstream_sessions",
        title="crash-loops until somebody deploys a fix",
        history=_UP,
        act=((90, Phase.RESTARTING, 1), (510, Phase.STARTING, 2), (520, Phase.RUNNING, 2)),
        restart_every=10.0,
    ),
    Story(
        name="orders_enrichment",
        title="falls further and further behind until it is scaled up",
        history=((-60, Phase.STARTING), (-50, Phase.RUNNING)),
        act=((540, Phase.STARTING, 2), (550, Phase.RUNNING, 2)),
        lag_slope=0.8,
    ),
    Story(
        name="inventory_snapshot",
        title="is stopped by hand for a maintenance window",
        history=_UP,
        act=(
            (150, Phase.STOPPING, 1),
            (165, Phase.STOPPED, 1),
            (500, Phase.STARTING, 2),
            (515, Phase.RUNNING, 2),
        ),
    ),
    Story(
        name="fraud_scoring",
        title="is submitted again under a new id; the stopped predecessor stays listed",
        act=(
            (210, Phase.STARTING, 1),
            (220, Phase.RUNNING, 1),
            (ACT + 200, Phase.STOPPED, 1),
            (2 * ACT + 205, Phase.GONE, 1),
        ),
        reborn=True,
    ),
    Story(
        name="experiment_joins",
        title="fails and is deleted",
        act=(
            (180, Phase.STARTING, 1),
            (190, Phase.RUNNING, 1),
            (290, Phase.FAILED, 1),
            (ACT + 65, Phase.GONE, 1),
        ),
        reborn=True,
    ),
    Story(
        name="每日对账",
        plain_name="daily_reconciliation",
        title="reads a bounded input and finishes",
        history=((-2 * _HOUR, Phase.STARTING), (-7000, Phase.RUNNING), (-6400, Phase.FINISHED)),
        act=((100, Phase.STARTING, 2), (110, Phase.RUNNING, 2), (170, Phase.FINISHED, 2)),
    ),
    Story(
        name="loyalty_points",
        title="is suspended because the account is in arrears, and recovers for a while",
        history=(*_UP, (-_HOUR, Phase.SUSPENDED)),
        act=((180, Phase.STARTING, 2), (200, Phase.RUNNING, 2), (330, Phase.SUSPENDED, 2)),
    ),
    Story(
        name="geo_fencing",
        title="is told to stop but does not",
        history=(*_UP, (-600, Phase.STOPPING)),
        act=(
            (340, Phase.STOPPED, 1),
            (380, Phase.STARTING, 2),
            (390, Phase.RUNNING, 2),
            (470, Phase.STOPPING, 2),
        ),
    ),
    Story(
        name="recommendations_v2",
        title="is a draft nobody has submitted yet",
        history=((-26 * _HOUR, Phase.DRAFT),),
    ),
    Story(name="session rollup", plain_name="session_rollup", title="is healthy", history=_UP),
    Story(name="device_telemetry", title="is healthy", history=_UP),
)

_SUBJECTS = ("orders", "payments", "clicks", "shipments", "sensors", "returns", "quotes", "logins")
_DEEDS = ("enrichment", "dedup", "aggregation", "archival", "alerting", "geo_join", "masking")


def draw(seed: int, *key: object) -> float:
    """Draw a number from 0 up to 1 that depends on the seed and the key alone."""
    digest = sha256(repr((seed, *key)).encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def tell(
    *, seed: int, jobs: int, prefix: str, period: float, plain_names: bool
) -> tuple[SimulatedJob, ...]:
    """Cast the first `jobs` stories, and healthy jobs beyond them."""
    stride = max(100, 10 ** len(str(jobs)))
    stories = (*STORIES[:jobs], *(_healthy(index) for index in range(len(STORIES), jobs)))
    return tuple(
        _cast(story, number, seed=seed, prefix=prefix, period=period, stride=stride, plain=plain)
        for number, (story, plain) in enumerate(((s, plain_names) for s in stories), start=1)
    )


def healthy_job(
    number: int, name: str, *, seed: int, steps: tuple[Step, ...], created: float
) -> SimulatedJob:
    """Make a job without a story of its own from the steps of its life."""
    return SimulatedJob(
        number=number,
        name=name,
        steps=steps,
        created=created,
        failure=choose_failure(seed, name),
        lag_base=round(0.4 + 4 * draw(seed, name, "lag"), 3),
        parallelism=2 ** int(5 * draw(seed, name, "parallelism")),
    )


def choose_failure(seed: int, name: str) -> Failure:
    """Choose what this job fails of, whenever it fails."""
    return _FAILURES[int(len(_FAILURES) * draw(seed, name, "failure"))]


def _healthy(index: int) -> Story:
    subject = _SUBJECTS[index % len(_SUBJECTS)]
    deed = _DEEDS[index // len(_SUBJECTS) % len(_DEEDS)]
    return Story(name=f"{subject}_{deed}_{index:03}", title="is healthy", history=_UP)


def _cast(
    story: Story, number: int, *, seed: int, prefix: str, period: float, stride: int, plain: bool
) -> SimulatedJob:
    name = prefix + (story.plain_name or story.name if plain else story.name)
    pace = period / ACT
    # Histories differ by up to an hour, so that not every job has the same age; one that lags
    # with its age must stay as young as its script says.
    older = 0.0 if story.lag_slope else _HOUR * draw(seed, name, "age")
    history = tuple(Step(at=at - older, phase=phase) for at, phase in story.history)
    act = tuple(Step(at=at * pace, phase=phase, run=run) for at, phase, run in story.act)
    return SimulatedJob(
        number=number,
        name=name,
        steps=history + act,
        cycle=period if act else None,
        reborn=story.reborn,
        stride=stride,
        restart_every=story.restart_every,
        lag_base=round(0.4 + 4 * draw(seed, name, "lag"), 3),
        lag_slope=story.lag_slope,
        parallelism=2 ** int(5 * draw(seed, name, "parallelism")),
        created=act[0].at - 30 if story.reborn else (history[0].at - 24 * _HOUR),
        failure=choose_failure(seed, name),
        title=story.title,
    )
