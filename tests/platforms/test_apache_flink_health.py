"""Restarts, checkpoints and exceptions are read as real clusters and old versions tell them."""

import pytest

from exporter.fields import Flaws
from exporter.vendors.flink.health import (
    LONGEST_ERROR_TEXT,
    parse_checkpoints,
    parse_exceptions,
    parse_restarts,
)
from tests.platforms.flink_job_manager import NOW_MS, recorded
from tests.virtual_time import EPOCH


@pytest.mark.parametrize(
    ("metrics", "restarts"),
    [
        ([{"id": "numRestarts", "value": "34"}], 34),
        ([{"id": "fullRestarts", "value": "9"}, {"id": "numRestarts", "value": "7"}], 7),
        ([{"id": "fullRestarts", "value": "2"}], 2),
        ([{"id": "numRestarts", "value": "-1"}, {"id": "fullRestarts", "value": "2"}], 2),
        ([{"id": "numRestarts", "value": "0"}], 0),
        ([{"id": "numRestarts", "value": "n/a"}], None),
        ([], None),
        (None, None),
    ],
)
def test_restarts_are_those_flink_counted(metrics: object, restarts: int | None) -> None:
    """The newer metric wins, -1 and an empty list mean that there is no number yet."""
    assert parse_restarts(metrics, Flaws()) == restarts


def test_restarts_of_a_real_crash_loop() -> None:
    """The value among others of a real answer."""
    metrics = recorded("crash_looping/metrics")
    native = next(metric["value"] for metric in metrics if metric["id"] == "numRestarts")
    assert parse_restarts(metrics, Flaws()) == int(native) > 0


def test_checkpoints_of_a_real_job() -> None:
    """The latest completed one, in seconds and bytes, without noise about figures of no use."""
    flaws = Flaws()
    document = recorded("running/checkpoints")
    native = document["latest"]["completed"]
    found = parse_checkpoints(document, flaws)
    assert found.failed == document["counts"]["failed"]
    assert found.completed_timestamp == native["latest_ack_timestamp"] / 1000
    assert found.duration_seconds == native["end_to_end_duration"] / 1000
    assert found.size_bytes == native["checkpointed_size"]
    assert flaws == Flaws()


def test_checkpoint_size_before_it_was_split_is_that_of_the_state() -> None:
    """Version 1.13 tells `state_size` only; from 1.15 on it is the size of the whole state."""
    old = {"latest": {"completed": {"state_size": 700}}}
    new = {"latest": {"completed": {"state_size": 700, "checkpointed_size": 70}}}
    assert parse_checkpoints(old, Flaws()).size_bytes == 700
    assert parse_checkpoints(new, Flaws()).size_bytes == 70


def test_job_without_a_completed_checkpoint_has_no_figures() -> None:
    """Null is no checkpoint, while the failed ones are counted."""
    found = parse_checkpoints(recorded("failed/checkpoints"), Flaws())
    assert found.completed_timestamp is found.duration_seconds is found.size_bytes is None
    assert found.failed is not None


@pytest.mark.parametrize(
    ("counts", "latest", "known"),
    [
        ({"failed": 0, "in_progress": 0, "completed": 0}, {}, (None, None)),
        # A savepoint, which somebody has asked for.
        ({"failed": 0, "in_progress": 0, "completed": 1}, {"savepoint": {"id": 1}}, (None, None)),
        ({"failed": 0, "in_progress": 1, "completed": 0}, {}, (0, 0)),
        ({"failed": 2, "in_progress": 0, "completed": 0}, {}, (2, 0)),
        ({"failed": 0, "in_progress": 0, "completed": 4}, {"completed": {"id": 4}}, (0, 4)),
        ({"failed": 0, "completed": 0}, {}, (0, 0)),
    ],
    ids=str,
)
def test_job_that_has_begun_no_checkpoint_tells_none(
    counts: dict[str, int], latest: dict[str, object], known: tuple[int | None, int | None]
) -> None:
    """Flink counts for every job that streams, also for those without checkpointing."""
    found = parse_checkpoints({"counts": counts, "latest": latest}, Flaws())
    assert (found.failed, found.completed) == known


def test_real_job_without_checkpointing_tells_no_checkpoints() -> None:
    assert parse_checkpoints(recorded("no_checkpoints/checkpoints"), Flaws()).facts() == {
        "checkpoints_completed": None,
        "checkpoints_failed": None,
        "last_checkpoint_completed_timestamp": None,
        "last_checkpoint_duration_seconds": None,
        "last_checkpoint_size_bytes": None,
    }


@pytest.mark.parametrize("name", ["failed", "crash_looping"])
def test_exception_of_a_real_job_is_named_by_its_cause(name: str) -> None:
    """The exception that ended a job is wrapped by Flink, the one it restarts from is not."""
    document = recorded(f"{name}/exceptions")
    entry = document["exceptionHistory"]["entries"][0]
    found = parse_exceptions(document, Flaws())
    assert found.error_type == "java.lang.ArithmeticException"
    assert found.timestamp == entry["timestamp"] / 1000
    assert found.text == entry["stacktrace"]


def test_wrapper_without_a_cause_names_itself() -> None:
    """A class name of no great use is better than none."""
    wrapper = "org.apache.flink.runtime.JobException"
    entry = {"exceptionName": wrapper, "stacktrace": f"{wrapper}: Recovery is suppressed"}
    found = parse_exceptions({"exceptionHistory": {"entries": [entry]}}, Flaws())
    assert found.error_type == wrapper


@pytest.mark.parametrize(
    ("first_line", "error_type"),
    [
        ("java.io.IOException: password=hunter2", "java.io.IOException"),
        ("a.b.C$Inner", "a.b.C$Inner"),
        ("Timeout", ""),
        ("The job failed: no reason given", ""),
        ("java.io.IOException because of it", ""),
        ("x." + "y" * 300, ""),
        ("", ""),
    ],
)
def test_root_exception_of_old_versions_is_named_if_it_is_an_exception(
    first_line: str, error_type: str
) -> None:
    """Before 1.13 the class name is the beginning of the stack trace, if it is one at all."""
    document = {"root-exception": f"{first_line}\n\tat a.b.C", "timestamp": NOW_MS}
    found = parse_exceptions(document, Flaws())
    assert (found.error_type, found.timestamp) == (error_type, EPOCH)


@pytest.mark.parametrize("name", ["no class", "java.lang.Exception: text", "a" * 400, "日志", 5])
def test_exception_name_that_is_no_class_name_is_no_error_type(name: object) -> None:
    """Free text never becomes a label."""
    entry = {"exceptionName": name, "timestamp": NOW_MS}
    found = parse_exceptions({"exceptionHistory": {"entries": [entry]}}, Flaws())
    assert found.error_type in ("", "5")
    assert found.timestamp == EPOCH


def test_text_of_an_exception_is_bounded_in_bytes() -> None:
    """A stack trace of megabytes is cut, between two characters."""
    entry = {"stacktrace": "错" * LONGEST_ERROR_TEXT}
    text = parse_exceptions({"exceptionHistory": {"entries": [entry]}}, Flaws()).text
    assert LONGEST_ERROR_TEXT - 3 < len(text.encode()) <= LONGEST_ERROR_TEXT


def test_job_that_never_failed_has_no_error() -> None:
    """A real job without exceptions, and an old version's nulls."""
    for document in (recorded("running/exceptions"), {"root-exception": None, "timestamp": None}):
        found = parse_exceptions(document, Flaws())
        assert (found.timestamp, found.error_type, found.text) == (None, "", "")
