"""What a cloud says of a job that is so and so: a row of its listing, or its details.

Facts that belong to one run carry its mark, so that whoever sees them knows where they come from.
"""

from exporter.model import ENDED_STATES, Job, State
from tests.histories.clouds import Kind
from tests.histories.truth import Facts, JobTruth, is_active
from tests.virtual_time import EPOCH

RUNS_PER_JOB = 100
Mark = tuple[int, int]
"""The number of a job and of one of its runs."""


def job_id(kind: Kind, job: JobTruth, facts: Facts) -> str:
    """Return the id of a job."""
    return facts.name if kind.id_is_name else str(job.number)


def start(kind: Kind, facts: Facts) -> float | None:
    """Return what the platform calls the start of a run, in the seconds of the story."""
    return facts.started if kind.starts_when_running else facts.begun


def row(kind: Kind, job: JobTruth, facts: Facts, now: float) -> Job:
    """Return what a listing says."""
    coarse, _ = kind.words(facts.state)
    silent = kind.silent_rows and coarse in ENDED_STATES and facts.run > 1
    said = _plain(kind, job, facts, now)
    if not silent:
        said = _with_state(said, coarse)
    if kind.rows_tell_run:
        said = _with_run(said, kind, job, facts)
    if kind.rows_tell_end:
        said = said._replace(end_timestamp=_epoch(facts.ended))
    if kind.rows_tell_update:
        said = said._replace(updated_timestamp=_epoch(facts.at))
    if kind.rows_tell_duration:
        said = said._replace(duration_seconds=_duration(facts, now))
    if kind.details_are_rows and facts.error_at is not None:
        said = said._replace(error_type=f"Error{_mark(job, facts)}")
    return said


def details(
    kind: Kind, job: JobTruth, facts: Facts, *, then: float, now: float, whole: bool
) -> Job:
    """Return what asking for the job brings: what was so `then`, heard `now`."""
    coarse, finer = kind.words(facts.state)
    said = _with_run(_with_state(_plain(kind, job, facts, now), coarse), kind, job, facts)
    if facts.run and kind.tells_runs:
        said = said._replace(parallelism=_mark(job, facts))
    if kind.details_tell_end:
        said = said._replace(end_timestamp=_epoch(facts.ended))
    if kind.details_tell_update:
        said = said._replace(updated_timestamp=_epoch(facts.at))
    if kind.details_tell_since:
        said = said._replace(state_since_timestamp=_epoch(facts.since))
    if whole and facts.error_at is not None and (kind.tells_runs or coarse is State.FAILED):
        said = said._replace(
            error_type=f"Error{_mark(job, facts)}",
            last_error_timestamp=_epoch(facts.error_at),
        )
    if whole and facts.run and kind.details_tell_restarts:
        said = said._replace(restart_times=facts.restarts)
    if whole and coarse is State.RUNNING:
        said = said._replace(input_delay_seconds=then)
        if finer is not None:
            said = said._replace(finer_state=finer, graph_state=finer.upper())
    return said


def read_marks(job: Job) -> set[Mark]:
    """Return the runs that the facts of a shown job belong to, as far as they carry a mark."""
    texts = [job.run_id.removeprefix("run"), job.error_type.removeprefix("Error")]
    numbers = [int(text) for text in texts if text]
    if job.parallelism is not None:
        numbers.append(job.parallelism)
    return {divmod(number, RUNS_PER_JOB) for number in numbers}


def _mark(job: JobTruth, facts: Facts) -> int:
    return job.number * RUNS_PER_JOB + facts.run


def _plain(kind: Kind, job: JobTruth, facts: Facts, now: float) -> Job:
    return Job(
        project=job.project,
        job_id=job_id(kind, job, facts),
        job_name=facts.name,
        observed_timestamp=EPOCH + now,
    )


def _with_state(said: Job, state: State) -> Job:
    return said._replace(state=state, native_status=state.upper())


def _with_run(said: Job, kind: Kind, job: JobTruth, facts: Facts) -> Job:
    has_id = facts.run and kind.runs_have_ids
    has_id = has_id and (is_active(facts.state) or not kind.ids_while_active)
    return said._replace(
        run_id=f"run{_mark(job, facts)}" if has_id else "",
        start_timestamp=_epoch(start(kind, facts)) if kind.tells_runs else None,
    )


def _duration(facts: Facts, now: float) -> float | None:
    if facts.begun is None:
        return None
    return (now if facts.ended is None else facts.ended) - facts.begun


def _epoch(moment: float | None) -> float | None:
    return None if moment is None else EPOCH + moment
