"""Put the jobs of one page of the overview into words."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from exporter.model import Job, State
from exporter.pages.attention import Level, reason
from exporter.pages.filtering import Found
from exporter.pages.formatting import Moment, duration, moment, number, shorten, visible
from exporter.pages.query import job_link
from exporter.pages.reader import Reader
from exporter.pages.runbooks import runbook_link
from exporter.pages.unseen import Gone, Sight, gone_by_key, sight

LONGEST_NAME = 120
LONGEST_ERROR = 160
_PACKAGE = re.compile(r"\b(?:[a-z_][\w$]*\.){2,}(?=[A-Z])")
"""The package before the name of a Java class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """One job in the table of jobs."""

    link: str
    name: str
    identity: str
    """Its id, when another job of its source on the same page has its name."""
    source: str
    platform: str
    state: State | None
    """None of a job that is shown no longer."""
    sight: Sight | None
    """What is known of such a job beside its problems."""
    level: Level | None
    reason: str
    """What its state does not say of its worst problem."""
    more: int
    """How many problems it has beside that one."""
    runbook: str
    """Where it says what to do; empty when there is nothing."""
    since: Moment | None
    duration: str
    restarts: str
    delay: str
    error: str
    error_at: Moment | None


def job_rows(shown: Sequence[Found], reader: Reader) -> tuple[JobRow, ...]:
    """Return the rows of these jobs."""
    names = Counter((found.snapshot.source, found.name) for found in shown)
    gone = {
        found.snapshot.source: gone_by_key(found.snapshot) for found in shown if found.job is None
    }
    return tuple(
        _row(
            found,
            reader,
            unique=names[found.snapshot.source, found.name] == 1,
            gone=gone.get(found.snapshot.source, {}),
        )
        for found in shown
    )


def _row(found: Found, reader: Reader, *, unique: bool, gone: Gone) -> JobRow:
    job, snapshot, attention = found.job, found.snapshot, found.attention
    project, job_id = found.key
    worst = None if attention is None else attention.worst
    return JobRow(
        link=job_link(snapshot.source, project, job_id, reader.chosen),
        name=shorten(visible(found.name or job_id), LONGEST_NAME),
        identity="" if unique else shorten(visible(job_id), 40),
        source=visible(snapshot.source),
        platform=visible(snapshot.platform),
        state=found.state,
        sight=sight(worst, snapshot, gone, reader) if job is None and worst is not None else None,
        level=None if attention is None else attention.level,
        reason="" if worst is None else shorten(visible(reason(worst, job, reader)), 80),
        more=0 if attention is None else len(attention.problems) - 1,
        runbook="" if worst is None else runbook_link(worst.kind, reader.language),
        since=moment(found.since, reader),
        duration="" if job is None else duration(job.duration_seconds, reader.words),
        restarts="" if job is None else number(job.restart_times),
        delay="" if job is None else duration(job.input_delay_seconds, reader.words),
        error="" if job is None else _error(job),
        error_at=None if job is None else moment(job.last_error_timestamp, reader),
    )


def _error(job: Job) -> str:
    """Return the last error in a few words: the class or code, and how its text begins."""
    kind = job.error_type.rpartition(".")[2] or job.error_id
    text = _PACKAGE.sub("", job.error_text[: 4 * LONGEST_ERROR])
    if kind not in text:
        text = f"{kind}: {text}" if text else kind
    return visible(shorten(text, LONGEST_ERROR))
