"""Make jobs like those of a large DLI project: the same ones at each run."""

from collections.abc import Iterable
from dataclasses import replace
from random import Random

from exporter.model import Job, Snapshot, State

NOW = 1_753_000_000.123
SOURCE = "dli-prod"
_PROJECT = "330e068af1334c9782f4226acc00a2e2"
_STATES = (
    *([State.RUNNING] * 90),
    *([State.FINISHED] * 4),
    *([State.FAILED] * 4),
    *([State.RESTARTING] * 2),
)


def row(number: int, now: float = NOW) -> Job:
    """Return what a listing tells of a job; no text is shared with that of another call."""
    chance = Random(number)
    state = chance.choice(_STATES)
    start = round(NOW - chance.uniform(1e3, 3e6), 3)
    return Job(
        project=_PROJECT,
        job_id=f"{100_000 + number}",
        job_name=f"prod_orders_{number:06d}_enrichment",
        state=state,
        native_status=f"job_{state.value}",
        job_type=chance.choice(("flink_jar_job", "flink_opensource_sql_job")),
        queue=f"queue-{number % 20}",
        duration_seconds=round(now - start, 3),
        start_timestamp=start,
        created_timestamp=round(start - chance.uniform(0, 1e6), 3),
        observed_timestamp=now,
    )


def details(number: int, now: float = NOW) -> Job:
    """Return what asking for a job tells of it."""
    chance = Random(-number)
    return row(number, now)._replace(
        graph_state="RUNNING",
        run_mode="exclusive_cluster",
        engine_version="1.15",
        restart_times=chance.randrange(5),
        parallelism=chance.randrange(1, 64),
        compute_units=float(chance.randrange(1, 64)),
        tasks=(("RUNNING", chance.randrange(1, 30)),),
        state_since_timestamp=round(now - chance.uniform(0, 1e5), 3),
    )


def snapshot(count: int) -> Snapshot:
    """Return a healthy source with so many jobs, all their details known."""
    return with_jobs(map(details, range(count)))


def with_jobs(jobs: Iterable[Job], now: float = NOW) -> Snapshot:
    """Return a healthy source with these jobs."""
    return Snapshot(
        source=SOURCE,
        platform="huawei_dli",
        up=True,
        last_success_timestamp=now,
        last_poll_timestamp=now,
        poll_duration_seconds=1.5,
        stale_after=300.0,
        jobs=tuple(jobs),
    )


def changed(before: Snapshot, share: float, chance: Random) -> Snapshot:
    """Return the next snapshot, in which a share of the jobs went to another state."""
    return replace(
        before,
        jobs=tuple(
            _changed(job, chance) if chance.random() < share else job for job in before.jobs
        ),
    )


def seen_again(before: Snapshot, seconds: float) -> Snapshot:
    """Return the next snapshot, in which every job was seen and has run for longer."""
    return replace(
        before,
        jobs=tuple(
            job._replace(
                observed_timestamp=job.observed_timestamp + seconds,
                duration_seconds=round((job.duration_seconds or 0.0) + seconds, 3),
            )
            for job in before.jobs
        ),
    )


def _changed(job: Job, chance: Random) -> Job:
    state = State.RUNNING if job.state is State.RESTARTING else State.RESTARTING
    return job._replace(
        state=state,
        native_status=f"job_{state.value}",
        restart_times=(job.restart_times or 0) + 1,
        duration_seconds=round(chance.uniform(0, 1e5), 3),
        state_since_timestamp=round(NOW + chance.uniform(0, 60), 3),
        observed_timestamp=job.observed_timestamp + round(chance.uniform(1, 60), 3),
    )
