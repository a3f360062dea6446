"""Ask Flink's HistoryServer how a job ended whose cluster has left.

Flink documentation, "History Server", versions 1.13 to 2.3. A JobManager writes an archive of each
job as it ends, if it comes to that: one that is killed writes none. The HistoryServer fetches it a
while later and serves its files under the paths of a JobManager, to any query and without metrics.
It starts with nothing and removes what is old, so what it lacks is no news; and since every cluster
in high availability can give its job the same id, all zeros, an archive is believed to be of a job
only if that started at the same time.
"""

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from exporter.errors import FetchError, Reason
from exporter.fields import Flaws, Record
from exporter.model import Job
from exporter.pacing import Clock
from exporter.upstream.client import ApiClient
from exporter.vendors.flink.health import parse_checkpoints, parse_exceptions
from exporter.vendors.flink.jobs import parse_job

CONFIG = "HistoryServer /config"
OVERVIEW = "HistoryServer /overview"
JOB = "HistoryServer /jobs/:jobid"
EXCEPTIONS = "HistoryServer /jobs/:jobid/exceptions"
CHECKPOINTS = "HistoryServer /jobs/:jobid/checkpoints"

_SAME_START: Final = 0.0015
"""Seconds between two readings of one start, which Flink tells in milliseconds."""


class HistoryServer:
    """One HistoryServer as the witness of how jobs ended."""

    def __init__(
        self,
        api: Callable[[], Awaitable[ApiClient]],
        clock: Clock,
        *,
        close: Callable[[], Awaitable[None]],
    ) -> None:
        """Take what returns a client of it, and what closes that."""
        self._api = api
        self._clock = clock
        self._close = close
        self._recognised = False

    async def check(self) -> None:
        """Make sure that this is a HistoryServer. Raises FetchError when it is not, or is silent.

        A JobManager answers the same paths, and would know none of the jobs asked for.
        """
        if self._recognised:
            return
        document = await (await self._api()).get_json(CONFIG, ("config",))
        features = document.get("features") if isinstance(document, Mapping) else None
        if not isinstance(features, Mapping):
            raise _unlike("another service")
        says = features.get("web-history")
        if not (says if isinstance(says, bool) else await self._is_silent_about_itself()):
            raise _unlike("a JobManager")
        self._recognised = True

    async def tell_end(self, job: Job) -> Job | None:
        """Return the job as it ended; None when there is no archive of it, or not yet.

        Raises FetchError when nobody could be asked.
        """
        if job.start_timestamp is None:
            # Nothing would tell it from another of its id.
            return None
        await self.check()
        flaws = Flaws()
        document = await self._ask(JOB, job, ())
        if not isinstance(document, Mapping) or document.get("jid") != job.job_id:
            if document is None:
                return None
            detail = "expected the job that was asked for"
            raise FetchError(Reason.INVALID_RESPONSE, JOB, detail=detail)
        found = parse_job(Record(document, "job", flaws), self._clock(), flaws, job.project)
        if not found.ended or not _same_start(found, job):
            return None
        ended = job._replace(
            job_name=found.job_name or job.job_name,
            state=found.state,
            native_status=found.native_status,
            finer_state=None,
            graph_state="",
            duration_seconds=found.duration_seconds,
            end_timestamp=found.end_timestamp,
            updated_timestamp=None,
            state_since_timestamp=found.state_since_timestamp,
            input_delay_seconds=None,
            parallelism=found.parallelism or job.parallelism,
            tasks=found.tasks,
            observed_timestamp=found.observed_timestamp,
        )
        for part in (self._error, self._checkpoints):
            # How it ended is told already: without the rest it is still the truth.
            with contextlib.suppress(FetchError):
                ended = ended._replace(**await part(ended, flaws))
        return ended

    async def aclose(self) -> None:
        """Close the connections."""
        await self._close()

    async def _is_silent_about_itself(self) -> bool:
        """Say whether this one has no `/overview`, which every JobManager has.

        What features there are is told by newer versions only.
        """
        try:
            await (await self._api()).get_json(OVERVIEW, ("overview",))
        except FetchError as exc:
            if exc.reason is Reason.NOT_FOUND:
                return True
            raise
        return False

    async def _error(self, job: Job, flaws: Flaws) -> dict[str, Any]:
        error = parse_exceptions(await self._ask(EXCEPTIONS, job, ("exceptions",)), flaws)
        return {} if error.timestamp is None else error.facts()

    async def _checkpoints(self, job: Job, flaws: Flaws) -> dict[str, Any]:
        found = parse_checkpoints(await self._ask(CHECKPOINTS, job, ("checkpoints",)), flaws)
        return {} if found.completed_timestamp is None else found.facts()

    async def _ask(self, operation: str, job: Job, parts: tuple[str, ...]) -> Any:
        """Return the decoded answer; None when there is no such file."""
        try:
            return await (await self._api()).get_json(operation, ("jobs", job.job_id, *parts))
        except FetchError as exc:
            if exc.reason is Reason.NOT_FOUND:
                return None
            raise


def _same_start(found: Job, job: Job) -> bool:
    return (
        found.start_timestamp is not None
        and job.start_timestamp is not None
        and abs(found.start_timestamp - job.start_timestamp) < _SAME_START
    )


def _unlike(what: str) -> FetchError:
    detail = (
        f"history_endpoint leads to {what}, not to a HistoryServer: "
        "that answers at historyserver.web.port, 8082 unless set"
    )
    return FetchError(Reason.INVALID_RESPONSE, CONFIG, detail=detail)
