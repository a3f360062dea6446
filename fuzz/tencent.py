"""Fuzz what reads the answers of Tencent Cloud: jobs, work spaces, events, figures, refusals."""

import json
import zlib
from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from typing import Any

from exporter.errors import FetchError, UnreadableError
from exporter.fields import Flaws
from exporter.model import Job, State
from exporter.upstream.client import decode_json
from exporter.upstream.refusals import Answer
from exporter.vendors.tencent import monitor
from exporter.vendors.tencent.events import parse_failure
from exporter.vendors.tencent.figures import with_figures_of
from exporter.vendors.tencent.jobs import parse_jobs
from exporter.vendors.tencent.memory import Memory
from exporter.vendors.tencent.monitor import parse_points
from exporter.vendors.tencent.times import Zone
from exporter.vendors.tencent.workspaces import parse_workspaces
from fuzz.page import NOW, Pages, Unsound
from fuzz.target import Form, Target

_SHARE = 16
_KNOWN = Job(
    project="space-1",
    job_id="cql-00000001",
    job_name="j",
    state=State.RUNNING,
    native_status="4",
    observed_timestamp=NOW,
)
_WORK_SPACES = (
    b'{"Response": {"TotalCount": 2, "WorkSpaceSetItem": [{"SerialId": "space-1", "Status": 2},'
    b'{"SerialId": "space-2", "Status": -1, "JobsCount": 3}]}}',
)
_POINTS = tuple(
    json.dumps(
        {
            "Response": {
                "DataPoints": [
                    {
                        "Dimensions": [{"Name": "tjob_id", "Value": _KNOWN.job_id}],
                        "Timestamps": [NOW - 120, NOW - 60],
                        "Values": values,
                    }
                ]
            }
        }
    ).encode()
    for values in ([5, 6.5], [0, 0], [None, -1], [9.3e18, 1e300])
)

_Read = Callable[[Mapping[str, Any], Flaws], Iterable[Job]]


class _Reader:
    """Decode a response, read it, and show what comes of it."""

    def __init__(self, read: _Read) -> None:
        self._read = read
        self._pages = Pages()

    def __call__(self, data: bytes) -> None:
        flaws = Flaws()
        try:
            document = decode_json("fuzz", Answer(status=200, headers={}, body=data))
            response = document.get("Response") if isinstance(document, Mapping) else None
            # The client refuses these by itself.
            jobs = list(self._read(response if isinstance(response, Mapping) else {}, flaws))
        except (FetchError, UnreadableError):
            return
        for flaw in flaws.unreadable:
            str(flaw).encode("utf-8")
        keyed = {job.key: job for job in jobs}
        self._pages.show(list(keyed.values()), read_back=zlib.crc32(data) % _SHARE == 0)


def _jobs(response: Mapping[str, Any], flaws: Flaws) -> Iterable[Job]:
    memory, shown = Memory(Zone()), []
    # Twice: what is remembered of the first reading must not make the second one stumble.
    for observed in (NOW, NOW + 30):
        page = parse_jobs(response, "space-1", observed, flaws, ("space-1", "space-2"))
        if len(page.rows) > page.size:
            raise Unsound("there are more jobs than rows")
        shown = list(memory.settle(page.rows))
    memory.keep("space-1", shown)
    return shown


def _work_spaces(response: Mapping[str, Any], flaws: Flaws) -> Iterable[Job]:
    page = parse_workspaces(response, flaws)
    if len(page.rows) > page.size:
        raise Unsound("there are more work spaces than rows")
    return []


def _failure(response: Mapping[str, Any], flaws: Flaws) -> Iterable[Job]:
    return [parse_failure(response, _KNOWN, flaws)]


def _points(response: Mapping[str, Any], flaws: Flaws) -> Iterable[Job]:
    found = parse_points(response, flaws)
    for points in found.values():
        if not all(isfinite(point.value) and isfinite(point.at) for point in points):
            raise Unsound("a point is no number")
    answers = dict.fromkeys(monitor.METRICS, found)
    return [with_figures_of(_KNOWN, answers, NOW)]


def targets() -> tuple[Target, ...]:
    """Return a target for each kind of answer."""

    def target(
        name: str, read: _Read, covers: Callable[..., object], *seeds: str, good: Any = ()
    ) -> Target:
        return Target(
            name=name,
            form=Form.JSON,
            check=_Reader(read),
            covers=(covers,),
            seeds=tuple(f"tests/fixtures/tencent_oceanus/{seed}" for seed in seeds),
            examples=good,
        )

    return (
        target("tencent_jobs", _jobs, parse_jobs, "*/jobs.json", "*/page*.json"),
        target("tencent_work_spaces", _work_spaces, parse_workspaces, good=_WORK_SPACES),
        target("tencent_failure", _failure, parse_failure, "*/events.json"),
        target("tencent_points", _points, parse_points, good=_POINTS),
    )
