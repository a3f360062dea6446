"""Fuzz what reads the answers of Kafka Connect: the listing, one status, the trace of a failure."""

import zlib
from collections.abc import Iterable, Mapping

from exporter.errors import FetchError, UnreadableError
from exporter.fields import Flaws
from exporter.model import Job
from exporter.upstream.client import decode_json
from exporter.upstream.refusals import Answer
from exporter.vendors.kafka_connect.errors import LONGEST_TRACE, parse_trace
from exporter.vendors.kafka_connect.jobs import describe
from exporter.vendors.kafka_connect.listing import ConnectorStatus, parse_listing, parse_status
from fuzz.page import NOW, Pages, Unsound
from fuzz.target import Form, Target

_SHARE = 16
_TRACES = (
    b"org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask\n\tat a.b.C.d(C)\n"
    b"Caused by: java.sql.SQLException: no\n\t... 3 more\n",
    b"java.lang.OutOfMemoryError",
    b"Caused by: \nCaused by: a",
    "ü中: x".encode(),
)
_LOST = frozenset({"connect-1:8083"})


class _Listing:
    """Read a listing, judge each connector as it is and with a worker gone, and show them."""

    def __init__(self) -> None:
        self._pages = Pages()

    def __call__(self, data: bytes) -> None:
        flaws = Flaws()
        try:
            document = decode_json("fuzz", Answer(status=200, headers={}, body=data))
        except FetchError:
            return
        try:
            found = [*parse_listing(document, flaws), *_single(document, flaws)]
        except UnreadableError as exc:
            if len(str(exc)) > 200:
                raise Unsound("a refusal is as long as what it is about") from exc
            return
        for flaw in flaws.unreadable:
            str(flaw).encode("utf-8")
        jobs = {job.key: job for job in _described(found)}
        self._pages.show(list(jobs.values()), read_back=zlib.crc32(data) % _SHARE == 0)


def _single(document: object, flaws: Flaws) -> Iterable[ConnectorStatus]:
    entries = document.items() if isinstance(document, Mapping) else ()
    for name, entry in entries:
        status = entry.get("status") if isinstance(entry, Mapping) else None
        if isinstance(status, Mapping) and status.get("name") == name and name:
            yield parse_status(status, name, flaws)


def _described(found: Iterable[ConnectorStatus]) -> Iterable[Job]:
    for number, each in enumerate(found):
        for lost in (frozenset[str](), _LOST):
            job = describe(
                each, project="p", observed=NOW, ran_before=number % 2 == 0, gone_workers=lost
            )
            if not job.job_id:
                raise Unsound("a connector has no id")
            yield job


def _trace(data: bytes) -> None:
    found = parse_trace(data.decode("utf-8", "replace"))
    for word in (found.error_id, found.error_type):
        if len(word) > 200 or not word.isascii() or (word and not word.isprintable()):
            raise Unsound("a class is no word")
    if len(found.text) > LONGEST_TRACE:
        raise Unsound("a trace has no end")


def targets() -> tuple[Target, ...]:
    """Return a target for each kind of input."""
    return (
        Target(
            name="connect_listing",
            form=Form.JSON,
            check=_Listing(),
            covers=(parse_listing, parse_status),
            seeds=("tests/fixtures/kafka_connect/[cemstu]*/connectors.json",),
        ),
        Target(
            name="connect_trace",
            form=Form.TEXT,
            check=_trace,
            covers=(parse_trace,),
            examples=_TRACES,
        ),
    )
