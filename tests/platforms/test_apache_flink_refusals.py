"""Whatever Flink or a proxy before it answers instead, no job ends by it and no parser fails."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.errors import FetchError, Reason
from exporter.fields import Flaws, Record
from exporter.upstream.refusals import Answer
from exporter.upstream.refusals.flink import read_refusal
from exporter.vendors.flink.delay import (
    parse_metric_names,
    parse_subtask_delay,
    parse_vertex_delay,
    parse_vertices,
)
from exporter.vendors.flink.health import parse_checkpoints, parse_exceptions, parse_restarts
from exporter.vendors.flink.jobs import parse_job, parse_overview
from tests.platforms.flink_job_manager import (
    JID,
    NO_LEADER,
    NOT_FOUND,
    OTHER_JID,
    Flink,
    graph,
    recorded,
)
from tests.virtual_time import EPOCH

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("jid", "jobs", "state", "plan", "nodes", "vertices", "tasks", "timestamps"),
                    *("id", "value", "min", "max", "inputs", "counts", "latest", "completed"),
                    *("exceptionHistory", "entries", "stacktrace", "exceptionName", "timestamp"),
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(ANY_JSON)
def test_no_document_makes_a_parser_fail(document: Any) -> None:
    """What cannot be read is skipped."""
    flaws = Flaws()
    parse_job(Record(document, "job", flaws), EPOCH, flaws)
    parse_overview({"jobs": document}, EPOCH, flaws)
    parse_vertices(Record(document, "job", flaws))
    parse_restarts(document, flaws)
    parse_checkpoints(document, flaws)
    parse_exceptions(document, flaws)
    parse_metric_names(document, flaws)
    parse_vertex_delay([document], EPOCH, flaws)
    parse_subtask_delay(document, EPOCH, flaws)


def answer(status: int, body: object) -> Answer:
    return Answer(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())


def test_job_is_gone_when_flink_says_so() -> None:
    """The real answer, and those of the handlers of older versions."""
    old = {"errors": [f"Could not find Flink job ({JID})"]}
    for body in (recorded("unknown/job"), recorded("unknown/checkpoints"), NOT_FOUND, old):
        refusal = read_refusal(answer(404, body))
        assert refusal is not None
        assert (refusal.reason, refusal.gone) == (Reason.NOT_FOUND, True)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", Reason.INVALID_RESPONSE),
        (b"<html>404 page not found</html>", Reason.INVALID_RESPONSE),
        (b"404 page not found", Reason.INVALID_RESPONSE),
        ({"errors": ["Unable to load requested file /jobs/x."]}, Reason.NOT_FOUND),
        ({"errors": ["Job not found"]}, Reason.NOT_FOUND),
        ({"errors": [None, 7]}, Reason.NOT_FOUND),
        ({"errors": f"Job {JID} not found"}, Reason.INVALID_RESPONSE),
        ([f"Job {JID} not found"], Reason.INVALID_RESPONSE),
    ],
)
def test_other_404_does_not_make_a_job_gone(body: object, reason: Reason) -> None:
    """Proxies answer 404 when they lose the cluster, in words that are not Flink's."""
    refusal = read_refusal(answer(404, body))
    assert refusal is not None
    assert (refusal.reason, refusal.gone) == (reason, False)


@pytest.mark.parametrize("status", [307, 308, 500, 502, 503, 504])
def test_cluster_without_a_leader_is_down_and_asked_again(status: int) -> None:
    """No such answer says anything about a job, whatever its text."""
    refusal = read_refusal(answer(status, NOT_FOUND))
    assert refusal is not None
    assert (refusal.reason, refusal.retryable, refusal.gone) == (Reason.SERVER, True, False)


def test_nothing_of_an_error_text_is_repeated() -> None:
    """A stack trace can quote job arguments."""
    for status in (400, 404, 500, 503):
        refusal = read_refusal(answer(status, {"errors": ["--password hunter2"]}))
        assert "hunter2" not in repr(refusal)


def test_error_kept_by_a_history_server_is_a_refusal() -> None:
    """It answers archived errors with status 200."""
    refusal = read_refusal(answer(200, {"errors": ["Checkpointing has not been enabled."]}))
    assert refusal is not None
    assert refusal.reason is Reason.NOT_FOUND
    assert read_refusal(answer(200, {"jobs": []})) is None


@pytest.mark.parametrize("body", [[], {}, {"jobs": None}, {"jobs": {}}, "text", None])
def test_listing_that_is_none_fails_instead_of_ending_every_job(body: object) -> None:
    """The login page of a proxy, as JSON or not, is not an empty cluster."""
    flink = Flink()
    flink.answers["/jobs/overview"] = (200, body)
    with pytest.raises(FetchError) as caught:
        flink.inventory()
    assert caught.value.reason is Reason.INVALID_RESPONSE
    assert not caught.value.gone


def test_details_of_a_job_flink_forgot_are_gone() -> None:
    """After a restart of the JobManager, ended jobs are unknown."""
    flink = Flink()
    flink.answers[f"/jobs/{JID}"] = (404, NOT_FOUND)
    with pytest.raises(FetchError) as caught:
        flink.details()
    assert caught.value.gone


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((503, NO_LEADER), Reason.SERVER),
        ((404, {}), Reason.INVALID_RESPONSE),
        (httpx.ConnectError("refused"), Reason.CONNECTION),
        (graph(jid=OTHER_JID), Reason.INVALID_RESPONSE),
        ([], Reason.INVALID_RESPONSE),
    ],
)
def test_job_is_not_gone_while_the_cluster_is_in_trouble(answer: Any, reason: Reason) -> None:
    """A JobManager that restarts, moves, or whose proxy is lost, says nothing about jobs."""
    flink = Flink()
    flink.answers[f"/jobs/{JID}"] = answer
    with pytest.raises(FetchError) as caught:
        flink.details()
    assert (caught.value.reason, caught.value.gone) == (reason, False)
