"""Watch real-time jobs of Huawei Cloud DataArts Factory (once DGC and DLF), API version v1.

Vendor pages: "Querying a Job List" and "Viewing Running Status of a Real-Time Job". Tables,
examples and interface definition disagree on names, kinds and presence of nearly every field, so
each is read in all its spellings and none is relied upon. A job has no id here but its name.
"""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from exporter.errors import FetchError, Reason, UnreadableError
from exporter.fields import Flaws, Record, row_reader
from exporter.model import ENDED_STATES, Job, Node, State, StateMap, look_up
from exporter.platforms import Platform
from exporter.source import CallCost, Details, Inventory
from exporter.upstream.connector import Connector
from exporter.upstream.large_json import RowReader
from exporter.vendors.huawei import HeaderText, HuaweiSettings, dataarts_endpoint
from exporter.vendors.huawei_inventory import (
    PAGE_SIZE,
    Listing,
    Page,
    ask_for_each,
    read_page,
    take_inventory,
)
from exporter.vendors.huawei_login import open_api

STATES: StateMap = {
    "init": State.CREATED,
    "starting": State.STARTING,
    # As the page of 2021 spells it.
    "startting": State.STARTING,
    "normal": State.RUNNING,
    "overload": State.RUNNING,
    "exception": State.FAILED,
    "abnormal": State.FAILED,
    "stopping": State.STOPPING,
    "stopped": State.STOPPED,
    "disable": State.STOPPED,
    "pause": State.SUSPENDED,
}

_COUNTERS = {
    "read_records": "totalGetRecords",
    "read_bytes": "totalGetBytes",
    "written_records": "totalPutRecords",
    "written_bytes": "totalPutBytes",
    "buffered_records": "bufferRecords",
    "records_per_second": "speed",
}
"""Fields of a Node and what they are called there; where it is documented the speed is in rows."""

LIST = "ListJobs"
SHOW = "ShowJobStatus"


class Settings(HuaweiSettings):
    """What a DataArts source is told; without a workspace the default one is watched."""

    workspace: HeaderText = ""


class DataArtsSource:
    """The real-time jobs of one workspace."""

    def __init__(self, settings: Settings, connector: Connector) -> None:
        endpoint = settings.endpoint or dataarts_endpoint(settings.region or "")
        # An empty header is not the same as none: it names a workspace that does not exist.
        headers = {"workspace": settings.workspace} if settings.workspace else None
        self._settings = settings
        self._connector = connector
        self._api = open_api(settings, connector, endpoint, headers)
        self._jobs = ("v1", settings.project_id, "jobs")
        self._offset_counts_pages = False

    async def fetch_inventory(self) -> Inventory:
        """List all jobs, or ask for the configured names. Raises FetchError."""
        project, ids, flaws = self._settings.project_id, self._settings.jobs.ids, Flaws()
        if ids:
            return await ask_for_each(project, flaws, ids, lambda asked: self._show(asked, flaws))
        listing = Listing(LIST, lambda offset: self._list(offset, flaws))
        return await take_inventory(project, flaws, listing, self._walk)

    async def fetch_details(self, job: Job) -> Details:
        """Ask for the running status of a job and of its nodes. Raises FetchError."""
        flaws = Flaws()
        return Details(job=await self._show(job.job_id, flaws), flaws=flaws)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connector.aclose()

    async def _walk(self, listing: Listing) -> None:
        # The page says that `offset` counts pages, production clients count rows with it. The
        # reading that worked is tried first the next time, so that the doubt costs nothing then.
        walks = [Listing.walk_rows, Listing.walk_pages]
        if self._offset_counts_pages:
            walks.reverse()
        for walk in walks:
            await walk(listing)
            if listing.complete:
                self._offset_counts_pages = walk == Listing.walk_pages
                return

    async def _list(self, offset: int, flaws: Flaws) -> Page:
        # Without jobType the answer has batch jobs only.
        query = [("jobType", "REAL_TIME"), ("limit", str(PAGE_SIZE)), ("offset", str(offset))]
        project, clock = self._settings.project_id, self._connector.runtime.clock
        rows = RowReader(
            paths=[("jobs",)],
            start=lambda: row_reader("list.jobs", _row_parser(project, clock(), flaws), flaws),
        )
        document = await self._api.get_json(LIST, self._jobs, query, rows=rows)
        return parse_list(document, project, clock(), flaws)

    async def _show(self, name: str, flaws: Flaws) -> Job:
        document = await self._api.get_json(SHOW, (*self._jobs, name, "status"))
        known = Job(
            project=self._settings.project_id,
            job_id=name,
            job_name=name,
            observed_timestamp=self._connector.runtime.clock(),
        )
        try:
            return parse_status(document, known, flaws)
        except UnreadableError as exc:
            raise FetchError(Reason.INVALID_RESPONSE, SHOW, detail=str(exc)) from exc


def parse_list(document: Any, project: str, observed: float, flaws: Flaws) -> Page:
    """Read one page of the listing; raises UnreadableError when it is none.

    A row's startTime and endTime are those of its schedule, lastUpdateTime is when somebody edited
    it, lastInstanceStatus is of its sub-jobs: none of them says anything of the run.
    """

    return read_page(document, "list", "total", _row_parser(project, observed, flaws), flaws)


def _row_parser(project: str, observed: float, flaws: Flaws) -> Callable[[Record], Job | None]:
    def parse_row(row: Record) -> Job | None:
        name = row.text("name")
        if not name:
            row.missing("name")
            return None
        native_status = row.text("status")
        return Job(
            project=project,
            job_id=name,
            job_name=name,
            state=_parse_state(native_status, flaws),
            native_status=native_status,
            job_type=row.text("jobType"),
            created_timestamp=row.time_either("createTime"),
            observed_timestamp=observed,
        )

    return parse_row


def parse_status(document: Any, known: Job, flaws: Flaws) -> Job:
    """Read the running status of a job whose name is known.

    Raises UnreadableError when there is none.
    """
    if not isinstance(document, Mapping) or not document:
        raise UnreadableError("status: expected an object")
    status = Record(document, "status", flaws)
    native_status = status.text("status")
    known_word = look_up(STATES, native_status) is not State.UNKNOWN
    if not known_word and "name" not in document and "nodes" not in document:
        # Many a service answers with some status.
        raise UnreadableError("status: expected an object with the name and nodes of a job")
    state = _parse_state(native_status, flaws)
    return known._replace(
        state=state,
        native_status=native_status,
        start_timestamp=status.time_either("startTime", "starttime"),
        # While a job runs this can only be the end of an earlier run, or a planned one.
        end_timestamp=status.time_either("endTime", "endtime") if state in ENDED_STATES else None,
        updated_timestamp=status.time_either("lastUpdateTime", "lastupdatetime"),
        nodes=_parse_nodes(status, flaws),
    )


def _parse_nodes(status: Record, flaws: Flaws) -> tuple[Node, ...]:
    # The job stays NORMAL while a node is in EXCEPTION: nodes speak for themselves. By name,
    # since two nodes of one name would be one series twice.
    nodes: dict[str, Node] = {}
    for node in status.records("nodes"):
        name = node.text("name", "nodeName")
        if not name or name in nodes:
            node.missing("name")
            continue
        # LastInstanceStatus is of the node's last sub-job, not of the node.
        native_status = node.text("status")
        nodes[name] = Node(
            name=name,
            node_type=node.text("type", "nodeType"),
            state=_parse_state(native_status, flaws),
            native_status=native_status,
            run_id=_run_id(node.long_text("runningData")),
            **_counters(node),
        )
    return tuple(nodes.values())


def _counters(node: Record) -> dict[str, float | None]:
    """Read what a node has moved in its run; nothing of one that tells nothing but zeros.

    They are in no table of the vendor's, only in examples. Nodes whose work is done elsewhere (MRS,
    DLI) have them too, and they stay at 0: a zero is news only beside something that is not.
    """
    found = {field: node.number(name) for field, name in _COUNTERS.items()}
    told = {field: value for field, value in found.items() if value is not None and value >= 0}
    return {**told} if any(told.values()) else {}


def _run_id(running_data: str) -> str:
    """Read the id of the job on the platform that does the work, from JSON inside a text.

    What it holds is documented nowhere and differs by node type, so anything else is passed over.
    """
    try:
        document = json.loads(running_data)
    except (ValueError, RecursionError):
        return ""
    record = document if isinstance(document, Mapping) else {}
    return Record({"jobId": record.get("jobId")}, "runningData", Flaws()).text("jobId")


def _parse_state(native_status: str, flaws: Flaws) -> State:
    state = look_up(STATES, native_status)
    if native_status and state is State.UNKNOWN:
        flaws.note_state(native_status)
    return state


def cost(settings: Settings, jobs: int) -> CallCost:
    """Count calls: pages, and with each poll the status of every job, since rows have none.

    Asked for by name, a job's row is its status, which is asked for again at `detail_interval`.
    """
    if settings.jobs.ids:
        return CallCost(per_inventory=len(settings.jobs.ids), per_details=1)
    pages = max(1, math.ceil(jobs / PAGE_SIZE))
    return CallCost(per_inventory=pages, per_details=1, every_poll=True)


PLATFORM = Platform(name="huawei_dataarts", settings=Settings, open=DataArtsSource, cost=cost)
