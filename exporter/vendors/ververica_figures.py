"""Add to a run what only its Flink knows: delay, throughput, checkpoints, tasks, its exception.

A run is the one job of a Flink of its own, whose id is not that of the run. It is looked for once a
run; a run that starts anew has another one. Of what both tell, the vendor's word is taken: it also
told the state.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from exporter.errors import FetchError, Reason
from exporter.fields import Flaws, Record
from exporter.model import Job, JobKey
from exporter.runtime import Runtime
from exporter.source import Details
from exporter.vendors.alibaba import Product
from exporter.vendors.flink.cluster import OVERVIEW, FlinkCluster
from exporter.vendors.flink.measures import Wanted
from exporter.vendors.ververica_proxy import ACTION, ProxiedManagers

_RUNNING = "RUNNING"
_STREAM = "stream"
_SESSION = "session"
_JID = re.compile(r"[0-9a-f]{32}")
_OVER = frozenset({"FINISHED", "CANCELED", "FAILED"})
_VENDORS = frozenset(
    {
        *("project", "job_id", "job_name", "name_digest", "observed_timestamp"),
        *("state", "native_status", "finer_state", "graph_state", "expected_state"),
        *("expected_running", "job_type", "run_mode", "queue", "engine_version", "run_id"),
        *("duration_seconds", "start_timestamp", "end_timestamp", "created_timestamp"),
        *("updated_timestamp", "nothing_runs_since_timestamp", "stale"),
    }
)
"""Fields that Flink is not asked about: they are the deployment's, or its run's."""


@dataclass(slots=True)
class _Reader:
    """Who asks about one run, and what Flink calls it; empty until that is known."""

    run_id: str
    managers: ProxiedManagers
    flink: FlinkCluster
    jid: str = ""


class ProxiedFigures:
    """Asks the Flink of each run, and remembers what it learnt of it."""

    def __init__(self, product: Product, runtime: Runtime, wanted: Wanted) -> None:
        self._product = product
        self._runtime = runtime
        self._wanted = wanted
        self._readers: dict[JobKey, _Reader] = {}

    def keep_only(self, keys: Collection[JobKey]) -> None:
        """Forget every deployment but these."""
        self._readers = {key: reader for key, reader in self._readers.items() if key in keys}

    async def add(self, run: Job, flaws: Flaws) -> Details:
        """Return a run with what its Flink tells, if it is a stream that runs by itself.

        What cannot be had is a failure of a part: the run itself was told.
        """
        if not _has_figures(run):
            return Details(job=run, flaws=flaws)
        reader = self._reader(run)
        try:
            if not reader.jid:
                document = await reader.managers.ask(OVERVIEW, ("jobs", "overview"))
                reader.jid = parse_jid(document, flaws)
            asked = run._replace(job_id=reader.jid, name_digest="")
            told = await reader.flink.fetch_details(asked)
        except FetchError as exc:
            if exc.reason is Reason.NOT_FOUND:
                # Restarted by Flink's own high availability a job keeps its id, by others not.
                reader.jid = ""
            return Details(job=run, flaws=flaws, failures=(_of_a_part(exc),))
        _also(flaws, told.flaws)
        return Details(
            job=_joined(run, told.job),
            flaws=flaws,
            failures=told.failures,
            withdrawn=told.withdrawn,
            in_doubt=told.in_doubt,
        )

    def _reader(self, run: Job) -> _Reader:
        reader = self._readers.get(run.key)
        if reader is None or reader.run_id != run.run_id:
            managers = ProxiedManagers(self._product, namespace=run.project, run_id=run.run_id)
            flink = FlinkCluster(
                managers, self._runtime.clock, wanted=self._wanted, sleep=self._runtime.sleep
            )
            reader = _Reader(run.run_id, managers, flink)
            self._readers[run.key] = reader
        return reader


def parse_jid(document: object, flaws: Flaws) -> str:
    """Return what Flink calls the one job that it runs.

    Raises FetchError when there is none, or more than one.
    """
    found = [
        row.text("jid")
        for row in Record(document, "overview", flaws).records("jobs")
        if row.text("state") not in _OVER
    ]
    if len(found) == 1 and _JID.fullmatch(found[0]):
        return found[0]
    detail = f"expected one job that runs, got {len(found)}"
    raise FetchError(Reason.INVALID_RESPONSE, f"{ACTION} {OVERVIEW}", detail=detail)


def _has_figures(run: Job) -> bool:
    # Runs of session clusters share a Flink that has another address; batch has no delay.
    streams = run.job_type.casefold().startswith(_STREAM)
    alone = _SESSION not in run.run_mode.casefold()
    return run.native_status == _RUNNING and bool(run.run_id) and streams and alone


def _joined(run: Job, told: Job) -> Job:
    """Return a run with what Flink alone knows of it."""
    names = [name for name in Job._fields if name not in _VENDORS]
    unknown = [name for name in names if getattr(run, name) in (None, "", ())]
    return run._replace(**{name: getattr(told, name) for name in unknown})


def _of_a_part(exc: FetchError) -> FetchError:
    """Return a failure that says nothing about the deployment: that was just told."""
    exc.gone = False
    return exc


def _also(flaws: Flaws, more: Flaws) -> None:
    for flaw in more.unreadable:
        flaws.note(flaw.place, flaw.expected)
    for word in more.unknown_states:
        flaws.note_state(word)
