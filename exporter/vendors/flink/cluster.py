"""Watch the jobs of one Flink cluster through the REST API of its JobManagers.

Flink documentation, "REST API" (docs/ops/rest_api), versions 1.13 to 2.3. One call lists every job
with its state; details of one job take three more, a fourth when it may have failed since, and one
for each of its sources and sinks where input delay and throughput are wanted. Operations are named
by Flink's own paths. A run of a job is a job of its own to Flink: a new submission has a new jid,
and a restarted JobManager forgets the jobs that have ended.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from exporter.errors import FetchError, Reason
from exporter.fields import Flaws, Record
from exporter.model import Job, JobKey
from exporter.pacing import Clock, Sleep
from exporter.process.steps import Steps, in_steps
from exporter.source import Details, Inventory
from exporter.upstream.large_json import RowReader
from exporter.upstream.refusals import flink
from exporter.vendors.flink.exception_reader import ExceptionReader
from exporter.vendors.flink.figures import FigureReader
from exporter.vendors.flink.health import parse_checkpoints
from exporter.vendors.flink.jobs import ROWS, overview_in_steps, parse_job, row_parser
from exporter.vendors.flink.managers import Managers
from exporter.vendors.flink.measures import Wanted
from exporter.vendors.flink.row_memory import RowMemory
from exporter.vendors.flink.vertex_reader import NAMES_LAST

CONFIG = "/config"
OVERVIEW = "/jobs/overview"
JOB = "/jobs/:jobid"
CHECKPOINTS = "/jobs/:jobid/checkpoints"

_INITIALIZING = "INITIALIZING"
_NO_NEWS = frozenset({flink.JOB_NOT_FOUND, flink.NO_CHECKPOINTING, flink.JOB_INITIALIZING})
"""Refusals of a part that are no failure: the next listing tells of a job that just vanished."""

_Part = Callable[[Job, Flaws], Awaitable[dict[str, Any]]]
"""A question about a job; who is cancelled before it is asked leaves nothing that was begun."""

_JOBS_PER_STEP = 100
_CACHED = 3.0
"""Seconds that Flink keeps its answers about one job, unless `web.refresh-interval` differs."""


def details_cost(wanted: Wanted, detail_interval: float) -> float:
    """Return how many calls the details of a running job take, of one source and one sink.

    Those are the job, its restarts and its checkpoints; its source and its sink; and now and then
    its exceptions, and what the metrics of both are called.
    """
    calls, seldom = 3.0, 1.0
    if wanted.anything:
        calls, seldom = calls + 1, seldom + 1
    if wanted.throughput or wanted.busy:
        calls, seldom = calls + 1, seldom + 1
    return calls + seldom * min(1.0, detail_interval / NAMES_LAST)


class FlinkCluster:
    """The jobs of one Flink cluster."""

    def __init__(
        self,
        managers: Managers,
        clock: Clock,
        *,
        project: str = "",
        wanted: Wanted | None = None,
        sleep: Sleep | None = None,
    ) -> None:
        """Take who to ask; with `sleep` figures are waited for that Flink is still gathering."""
        self._managers = managers
        self._clock = clock
        self._project = project
        self._version = ""
        self._version_known = False
        self._version_refused = False
        self._listed: frozenset[str] = frozenset()
        self._rows = RowMemory()
        self._figures = FigureReader(managers, clock, sleep=sleep, wanted=wanted or Wanted())
        self._exceptions = ExceptionReader(managers, clock)

    async def fetch_inventory(self, ids: Sequence[str] = ()) -> Inventory:
        """List the jobs, or ask for those of these ids alone. Raises FetchError."""
        flaws = Flaws()
        try:
            if ids:
                inventory = await self._fetch_chosen(ids, flaws)
            else:
                inventory = await self._fetch_overview(flaws)
        except FetchError:
            # Who answers next may be another JobManager, of another version.
            self._version_known = False
            raise
        listed = frozenset(job.job_id for job in inventory.jobs)
        if self._listed - listed:
            # Jobs disappear when they expire, and when a JobManager is replaced.
            self._version_known = False
        self._listed = listed
        self.keep_only(listed)
        refused = await self._learn_version(flaws)
        jobs = list(inventory.jobs)
        # From here on the list alone has the rows: each goes as soon as there is another for it.
        inventory = replace(inventory, jobs=())
        await in_steps(self._set_version(jobs))
        failures = () if refused is None else (refused,)
        return replace(inventory, jobs=tuple(jobs), failures=failures)

    def keep_only(self, job_ids: Collection[str]) -> None:
        """Forget what was read of every job but these."""
        self._figures.keep_only(job_ids)
        self._exceptions.keep_only(job_ids)

    async def fetch_details(self, job: Job) -> Details:
        """Ask for one job and, as far as it can have them, for its metrics and exceptions.

        Raises FetchError; with `gone` set when the cluster does not know the job.
        """
        flaws = Flaws()
        self._figures.note_question()
        graph = await self._fetch_graph(job.job_id, flaws)
        found = parse_job(graph, self._clock(), flaws, self._project)
        if job.ended and not found.ended and found.start_timestamp == job.start_timestamp:
            # A run that ended does not live again: this comes out of Flink's cache, and is older.
            # Another run can have its id: with high availability each run of an application has.
            found = found.at(min(found.observed_timestamp, job.observed_timestamp - _CACHED))
        changes: dict[str, Any] = {
            "job_name": found.job_name or job.job_name,
            "name_digest": found.name_digest if found.job_name else job.name_digest,
            "engine_version": self._version,
        }
        failures: list[FetchError] = []

        async def add(ask: _Part) -> None:
            # A part that fails does not hurt the others.
            try:
                changes.update(await ask(found, flaws))
            except FetchError as exc:
                if exc.code not in _NO_NEWS:
                    failures.append(exc)

        withdrawn: list[str] = []
        others: dict[str, tuple[str, ...]] = {}
        in_doubt = False

        async def add_figures() -> None:
            nonlocal in_doubt
            figures = await self._figures.read(found, graph, flaws)
            in_doubt = figures.in_doubt
            others.update(figures.others)
            changes.update(figures.facts)
            withdrawn.extend(figures.withdrawn)
            failures.extend(exc for exc in figures.failures if exc.code not in _NO_NEWS)

        # The question about the job has made Flink gather metrics; meanwhile it is asked for what
        # it knows by itself.
        parts = [add(ask) for ask in self._parts(found, graph)]
        if not found.ended:
            # The metrics of an ended job are an empty list. With the adaptive scheduler of 1.13 and
            # 1.14 a job that waits for slots is INITIALIZING: it may have restarted by then.
            parts.append(add_figures())
        await asyncio.gather(*parts)
        return Details(
            job=found._replace(**changes),
            flaws=flaws,
            failures=tuple(failures),
            withdrawn=tuple(withdrawn),
            withdrawn_elsewhere={
                JobKey(self._project, job_id): names for job_id, names in others.items()
            },
            in_doubt=in_doubt,
        )

    def _set_version(self, jobs: list[Job]) -> Steps[None]:
        for place, job in enumerate(jobs):
            if job.engine_version != self._version:
                jobs[place] = job._replace(engine_version=self._version)
            if place % _JOBS_PER_STEP == 0:
                yield

    async def _fetch_overview(self, flaws: Flaws) -> Inventory:
        def start() -> Callable[[int, object], Job | None]:
            now = self._clock()
            parse_row = row_parser(
                now,
                flaws,
                project=self._project,
                engine_version=self._version,
                task_counts=self._rows.task_counts,
            )
            return self._rows.reader(ROWS, parse_row, about=self._version, now=now, flaws=flaws)

        rows = RowReader(paths=[("jobs",)], start=start)
        try:
            document = await self._managers.ask(OVERVIEW, ("jobs", "overview"), rows=rows)
            if not isinstance(document, Mapping) or not isinstance(document.get("jobs"), list):
                # Taken for an empty listing, an answer of somebody else would end every job.
                raise _unlike(OVERVIEW, "an object with a list of jobs")
            jobs = await in_steps(overview_in_steps(document, start))
        except FetchError:
            await in_steps(self._rows.let_go())
            raise
        self._rows.keep()
        return Inventory(jobs=jobs, flaws=flaws)

    async def _fetch_chosen(self, ids: Sequence[str], flaws: Flaws) -> Inventory:
        jobs, failures = [], []

        async def fetch(job_id: str) -> None:
            try:
                graph = await self._fetch_graph(job_id, flaws)
                jobs.append(parse_job(graph, self._clock(), flaws, self._project))
            except FetchError as exc:
                if not exc.gone:
                    failures.append(exc)

        await asyncio.gather(*(fetch(job_id) for job_id in dict.fromkeys(ids)))
        if failures and not jobs:
            raise failures[0]
        incomplete = (("", failures[0]),) if failures else ()
        return Inventory(jobs=tuple(jobs), incomplete=incomplete, flaws=flaws)

    async def _fetch_graph(self, job_id: str, flaws: Flaws) -> Record:
        document = await self._managers.ask(JOB, ("jobs", job_id))
        if not isinstance(document, Mapping) or document.get("jid") != job_id:
            detail = "expected the job that was asked for"
            raise FetchError(Reason.INVALID_RESPONSE, JOB, detail=detail)
        return Record(document, "job", flaws)

    async def _learn_version(self, flaws: Flaws) -> FetchError | None:
        """Ask for the version unless it is known; return a refusal that is news and will last."""
        if self._version_known:
            return None
        try:
            document = await self._managers.ask(CONFIG, ("config",))
        except FetchError as exc:
            # A proxy may keep this path to itself, and says so with 401 or 403. Whatever is refused
            # for good is no reason to call the source down; until there is another answer the last
            # one holds.
            self._version_known = not exc.retryable and exc.reason is not Reason.TIMEOUT
            expected = exc.reason is Reason.AUTH or not self._version_known
            news = not expected and not self._version_refused
            self._version_refused = self._version_refused or news
            return exc if news else None
        self._version = Record(document, "config", flaws).text("flink-version") or self._version
        self._version_known = True
        self._version_refused = False
        return None

    def _parts(self, job: Job, graph: Record) -> Iterator[_Part]:
        """Choose what else to ask: no question is sent whose answer is known to be empty."""
        yield lambda job, flaws: self._exceptions.read(job, graph, flaws)
        if job.native_status != _INITIALIZING:
            # Asked for the checkpoints of such a job, Flink answers 500.
            yield self._checkpoints

    async def _checkpoints(self, job: Job, flaws: Flaws) -> dict[str, Any]:
        path = ("jobs", job.job_id, "checkpoints")
        return parse_checkpoints(await self._managers.ask(CHECKPOINTS, path), flaws).facts()


def _unlike(operation: str, expected: str) -> FetchError:
    detail = f"this is no {flink.API}: expected {expected}; check endpoint"
    return FetchError(Reason.INVALID_RESPONSE, operation, detail=detail)
