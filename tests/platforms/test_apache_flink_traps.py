"""What Flink says in two ways, or in a way that misleads, is read as what is so."""

import json
from itertools import permutations
from typing import Any

import pytest

from exporter.fields import Flaws, Record
from exporter.model import State
from exporter.upstream.large_json import PIECE
from exporter.vendors.flink.graph import parse_graph
from exporter.vendors.flink.health import parse_exceptions
from exporter.vendors.flink.jobs import parse_overview
from tests.platforms.flink_job_manager import JID, NOW_MS, OTHER_JID, Flink, graph, row
from tests.virtual_time import EPOCH

LONG = "insert into wide select\n" + "  cast(a as decimal(18, 4)) as a,\n" * 80
NO_SLOTS = "org.apache.flink.runtime.jobmanager.scheduler.NoResourceAvailableException"
COMPLETION = "java.util.concurrent.CompletionException"


def _row(state: str, start: float, end: float = -1, changed: float = 0.0) -> dict[str, Any]:
    return row(
        **{
            "state": state,
            "start-time": NOW_MS + start,
            "end-time": end if end == -1 else NOW_MS + end,
            "last-modification": NOW_MS + changed,
        }
    )


TWICE = [
    ("RUNNING", _row("RUNNING", -60_000), _row("SUSPENDED", -900_000, -70_000)),
    ("RESTARTING", _row("RESTARTING", -900_000), _row("SUSPENDED", -60_000, -50_000)),
    ("INITIALIZING", _row("INITIALIZING", -10), _row("FAILED", -900_000, -20)),
    ("CANCELED", _row("CANCELED", -60_000, -5), _row("SUSPENDED", -900_000, -1)),
    ("FINISHED", _row("FINISHED", -60_000, -5), _row("CANCELED", -900_000, -1)),
    ("RUNNING", _row("RUNNING", -5), _row("CREATED", -900_000)),
    ("RUNNING", _row("RUNNING", -5, changed=2), _row("CREATED", -5, changed=1)),
]


@pytest.mark.parametrize(("state", "holds", "other"), TWICE, ids=range(len(TWICE)))
def test_of_two_rows_of_a_job_the_one_in_progress_holds(
    state: str, holds: dict[str, Any], other: dict[str, Any]
) -> None:
    """Old versions list a job twice after a loss of leadership, in whatever order."""
    for rows in permutations([holds, other, other | {"name": "older"}]):
        [job] = parse_overview({"jobs": list(rows)}, EPOCH, Flaws())
        assert job.native_status == state
        assert job.start_timestamp == holds["start-time"] / 1000


def test_large_listing_with_every_job_twice_is_read_in_the_same_way() -> None:
    """Rows that are read while the answer is decoded are put together no less."""
    flink = Flink()
    rows = []
    for number in range(1000):
        one, other = TWICE[number % len(TWICE)][1:]
        jid = f"{number:032x}"
        rows += [one | {"jid": jid}, other | {"jid": jid}]
    assert len(json.dumps(rows)) > PIECE
    flink.answers["/jobs/overview"] = {"jobs": rows[::-1]}
    found = {job.job_id: job.native_status for job in flink.inventory().jobs}
    assert found == {f"{number:032x}": TWICE[number % len(TWICE)][0] for number in range(1000)}


def test_names_that_are_cut_to_the_same_differ() -> None:
    """The name of a job without pipeline.name is its whole statement."""
    names = [f"{LONG}from orders_{place}" for place in ("eu", "us")]
    rows = [row(name=names[0]), row(jid=OTHER_JID, name=names[1])]
    one, other = parse_overview({"jobs": rows}, EPOCH, Flaws())
    assert one.job_name == other.job_name == names[0][:1024]
    assert one.name_digest != other.name_digest
    flink = Flink()
    flink.answers[f"/jobs/{JID}"] = graph(name=names[0])
    assert flink.details().job.name_digest == one.name_digest
    flink.answers[f"/jobs/{JID}"] = graph(name=None)
    assert flink.details().job.name_digest == ""


def test_names_that_nobody_read_to_their_end_are_never_equal() -> None:
    """Of a text of hundreds of thousands of characters the decoder keeps a part."""
    rows = [row(name="x" * 300_000), row(jid=OTHER_JID, name="x" * 300_000)]
    one, other = parse_overview({"jobs": rows}, EPOCH, Flaws())
    assert (one.name_digest, other.name_digest) == (JID, OTHER_JID)
    assert parse_overview({"jobs": [row(name="x" * 1024)]}, EPOCH, Flaws())[0].name_digest == ""


def _trace(*heads: str) -> str:
    return "\nCaused by: ".join(f"{head}\n\tat a.B.c(B.java:1)" for head in heads)


@pytest.mark.parametrize(
    ("heads", "error_type"),
    [
        # As Flink 1.18 says that there are no slots.
        (
            (
                f"{COMPLETION}: {COMPLETION}: {NO_SLOTS}: Could not acquire",
                f"{COMPLETION}: {NO_SLOTS}: Could not acquire",
                f"{NO_SLOTS}: Could not acquire",
            ),
            NO_SLOTS,
        ),
        ((f"{COMPLETION}: wrapped", "java.util.concurrent.ExecutionException", "a.B: x"), "a.B"),
        (
            (
                "org.apache.flink.runtime.JobException: Recovery is suppressed by none",
                "org.apache.flink.util.SerializedThrowable: java.io.IOException: disk",
            ),
            "java.io.IOException",
        ),
        (
            (
                "org.apache.flink.runtime.io.network.netty.exception.RemoteTransportException: "
                "Lost connection to task manager 'tm/10.0.0.1:1'. This indicates that it is gone.",
                "java.net.SocketException: Connection reset",
            ),
            "java.net.SocketException",
        ),
        (("java.lang.RuntimeException: java.io.EOFException: end",), "java.io.EOFException"),
        (("java.lang.RuntimeException: broken: all of it", "a.B: x"), "java.lang.RuntimeException"),
        (("java.lang.Exception",), "java.lang.Exception"),
        ((f"{COMPLETION}: kafka.example.com: no such host",), COMPLETION),
        ((f"{COMPLETION}: no class here",), COMPLETION),
        ((f"{COMPLETION}: x", *[f"{COMPLETION}: y"] * 60, "a.B: x"), COMPLETION),
        ((f"{COMPLETION}: " + "x" * 5000, "a.B: " + "y" * 5000), "a.B"),
        ((f"{COMPLETION}: a.B",), "a.B"),
        ((f"{COMPLETION}: " * 30 + "a.B",), COMPLETION),
    ],
    ids=str,
)
def test_error_is_named_by_what_is_wrong(heads: tuple[str, ...], error_type: str) -> None:
    """What wraps an exception says only where it was caught."""
    text = _trace(*heads)
    named = heads[0].partition(":")[0]
    history = {"exceptionHistory": {"entries": [{"exceptionName": named, "stacktrace": text}]}}
    for document in (history, {"root-exception": text}):
        assert parse_exceptions(document, Flaws()).error_type == error_type


@pytest.mark.parametrize(
    ("state", "timestamps", "since"),
    [
        ("RUNNING", {"INITIALIZING": 50, "CREATED": 60, "RUNNING": 70}, 70.0),
        ("RUNNING", {"RUNNING": 70, "RESTARTING": 90}, None),
        ("RUNNING", {"RUNNING": 10, "INITIALIZING": 90}, None),
        ("CREATED", {"CREATED": 10, "RUNNING": 20, "RESTARTING": 30}, None),
        ("RUNNING", {"RUNNING": 70, "RESTARTING": 70}, 70.0),
        ("RUNNING", {"RUNNING": 70, "RESTARTING": 0, "FAILED": "never"}, 70.0),
        ("RUNNING", {"RUNNING": 70, "CHECKED": 90}, 70.0),
        ("RUNNING", {"RESTARTING": 70}, None),
        ("", {"RUNNING": 70}, None),
    ],
    ids=str,
)
def test_state_is_not_dated_by_an_earlier_time_in_it(
    state: str, timestamps: dict[str, Any], since: float | None
) -> None:
    """A job that was in another state since has come back to this one later."""
    told = {name: at * 1000 if isinstance(at, int) else at for name, at in timestamps.items()}
    document = {"jid": JID, "state": state, "timestamps": told}
    assert parse_graph(Record(document, "job", Flaws()), Flaws()).state_since_timestamp == since


def test_states_of_a_job_object_are_bounded() -> None:
    """A thousand of them are no reason to read a thousand."""
    told = (
        {"RUNNING": NOW_MS} | {f"S{number}": 1 for number in range(1000)} | {"FAILED": NOW_MS * 2}
    )
    document = {"jid": JID, "state": "RUNNING", "timestamps": told}
    found = parse_graph(Record(document, "job", Flaws()), Flaws())
    assert (found.state, found.state_since_timestamp) == (State.RUNNING, EPOCH)
