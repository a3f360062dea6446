"""A report is read as documented, and whatever is not fit to be read is named."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter.edge.report import DEEPEST, decode_object, read_report, same_content
from exporter.errors import ReportError
from tests.edge.receivers import NOW_MS, SEED, body, entry, with_fields


def refusal(content: bytes) -> str:
    with pytest.raises(ReportError) as caught:
        read_report(content)
    return str(caught.value)


def test_example_of_the_vendor_is_read() -> None:
    report = read_report(SEED.encode())
    assert report.message_id == "uuid"
    (job,) = report.jobs
    assert (job.job_id, job.status, job.create_time) == (99270, "job_submit_fail", 1591104868201)
    assert isinstance(job.exceptions, dict)
    assert job.exceptions["error_id"] == "Agent.51000"


def test_what_is_optional_may_be_absent_or_null() -> None:
    (job,) = read_report(
        body(entry(None, exceptions=None, metrics=None, plan=None), msg_confirm_topic=None)
    ).jobs
    assert (job.job_id, job.exceptions, job.metrics, job.plan) == (None, None, None, None)


def test_report_without_jobs_is_read() -> None:
    assert read_report(body()).jobs == ()


def test_fields_that_nobody_documents_are_let_through() -> None:
    content = body(entry(7, node={"name": "n", "parts": [1, None, True]}), version=3)
    assert read_report(content).jobs[0].job_id == 7


def test_free_fields_are_objects_or_texts() -> None:
    (job,) = read_report(body(entry(exceptions="lost", metrics={"a": 1}, plan='{"b": 2}'))).jobs
    assert (job.exceptions, job.metrics, job.plan) == ("lost", {"a": 1}, '{"b": 2}')


def test_seconds_are_taken_for_milliseconds() -> None:
    assert read_report(body(entry(create_time=1591104868))).jobs[0].create_time == 1591104868000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "body: not valid JSON at line 1, column 1"),
        (b"\xff\xfe{\x00}\x00", "body: not UTF-8 text"),
        ("{}".encode("utf-16"), "body: not UTF-8 text"),
        (b"\xef\xbb\xbf{}", "body: not valid JSON at line 1, column 1"),
        (b"[]", "body: expected an object"),
        (b"null", "body: expected an object"),
        (b"3", "body: expected an object"),
        (b'{"message_id": "m"', "body: not valid JSON at line 1, column 19"),
        (b"{}", "jobs: required"),
        (b'{"jobs": {}, "message_id": "m"}', "jobs: expected a list of objects"),
        (b'{"jobs": [], "message_id": null}', "message_id: required"),
        (
            b'{"jobs": [], "message_id": 7}',
            "message_id: expected a text of 1 to 256 printable characters",
        ),
        (
            b'{"jobs": [], "message_id": ""}',
            "message_id: expected a text of 1 to 256 printable characters",
        ),
        (
            body(message_id="x" * 257),
            "message_id: expected a text of 1 to 256 printable characters",
        ),
        (
            body(message_id="a\nb"),
            "message_id: expected a text of 1 to 256 printable characters",
        ),
        (
            body(msg_confirm_topic=[]),
            "msg_confirm_topic: expected a text of 1 to 256 printable characters",
        ),
        (b'{"jobs": [3], "message_id": "m"}', "jobs[0]: expected an object"),
        (body(entry(), entry(status=None)), "jobs[1].status: required"),
        (body(entry(status=4)), "jobs[0].status: expected a word such as job_running"),
        (body(entry(status="a b")), "jobs[0].status: expected a word such as job_running"),
        (body(entry(status="")), "jobs[0].status: expected a word such as job_running"),
        (body(entry(create_time=None)), "jobs[0].create_time: required"),
        (
            body(entry(create_time="1591104868201")),
            "jobs[0].create_time: expected a time in milliseconds since 1970",
        ),
        (
            body(entry(create_time=1591104868201.5)),
            "jobs[0].create_time: expected a time in milliseconds since 1970",
        ),
        (
            body(entry(create_time=True)),
            "jobs[0].create_time: expected a time in milliseconds since 1970",
        ),
        (
            body(entry(create_time=-1)),
            "jobs[0].create_time: expected a time in milliseconds since 1970",
        ),
        (
            body(entry(create_time=10**18)),
            "jobs[0].create_time: expected a time in milliseconds since 1970",
        ),
        (body(entry(job_id=-1)), "jobs[0].job_id: expected a whole number from 0 to 2^63-1"),
        (body(entry(job_id="7")), "jobs[0].job_id: expected a whole number from 0 to 2^63-1"),
        (body(entry(job_id=False)), "jobs[0].job_id: expected a whole number from 0 to 2^63-1"),
        (
            body(entry(job_id=9223372036854775808)),
            "jobs[0].job_id: expected a whole number from 0 to 2^63-1",
        ),
        (body(entry(job_id=10**30)), "jobs[0].job_id: expected a number of at most 19 digits"),
        (
            b'{"jobs": [{"job_id": ' + b"9" * 5000 + b'}], "message_id": "m"}',
            "jobs[0].job_id: expected a number of at most 19 digits",
        ),
        (body(entry(exceptions=[])), "jobs[0].exceptions: expected an object or a text"),
        (body(entry(exceptions={"error_id": 5})), "jobs[0].exceptions.error_id: expected a text"),
        (
            body(entry(exceptions={"error_time": 1.5})),
            "jobs[0].exceptions.error_time: expected a time such as 2020-06-02 13:34:28",
        ),
        (body(entry(metrics=5)), "jobs[0].metrics: expected an object or a text"),
        (body(entry(plan=True)), "jobs[0].plan: expected an object or a text"),
        (body(entry(metrics={"a": float("nan")})), "jobs[0].metrics.a: expected a finite number"),
        (
            body(entry(metrics={"a": [1, float("-inf")]})),
            "jobs[0].metrics.a[1]: expected a finite number",
        ),
        (
            b'{"jobs": [], "message_id": "m", "x": {"y": 1e999}}',
            "x.y: expected a finite number",
        ),
        (
            b'{"jobs": [], "message_id": "a", "message_id": "b"}',
            "body: expected message_id only once",
        ),
        (
            b'{"jobs": [{"status": "job_idle", "a": 1, "a": 2}], "message_id": "m"}',
            "jobs[0]: expected a only once",
        ),
        (body(entry(status="\ud800")), "jobs[0].status: expected text that is whole Unicode"),
        (
            with_fields([], "m", {"k\udfff": 1}),
            "k?: expected text that is whole Unicode",
        ),
        (
            body(entry(plan={"p": {"\ud800 <b>": 0}})),
            "jobs[0].plan.p.?b?: expected text that is whole Unicode",
        ),
    ],
)
def test_what_is_wrong_is_named(content: bytes, message: str) -> None:
    assert refusal(content) == message


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


def test_nesting_is_bounded() -> None:
    assert read_report(body(deep=nested(DEEPEST - 2)))
    assert "expected no more than 32 levels of nesting" in refusal(body(deep=nested(DEEPEST)))


def test_nesting_that_no_reader_could_follow_is_named() -> None:
    assert refusal(b"[" * 100_000) == "body: nested too deeply"


def test_names_of_the_sender_are_shown_harmlessly() -> None:
    name = "<script>\n\x1b[31m" + "x" * 100
    text = refusal(with_fields([], "m", {name: float("nan")}))
    assert text.isprintable()
    assert "<" not in text
    assert len(text) < 120


def test_texts_that_hold_an_object_are_decoded() -> None:
    assert decode_object(' {"a": 1}') == {"a": 1}
    for text in ("", "lost", "[1]", '{"a": NaN}', '{"a": 1, "a": 2}', '{"a": "\\ud800"}', "{"):
        assert decode_object(text) is None


def test_two_bodies_say_the_same_however_they_are_written() -> None:
    assert same_content(b'{"a": 1, "b": [2]}', b'{"b":[2],"a":1}')
    assert not same_content(b'{"a": 1}', b'{"a": 2}')


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**17, 10**40)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["\ud800", "job_running", "job_submit_fail", "9" * 300]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
FIELDS = ("job_id", "status", "create_time", "exceptions", "metrics", "plan")
good_jobs = st.fixed_dictionaries(
    {"status": st.just("job_running"), "create_time": st.integers(NOW_MS, NOW_MS + 10**6)},
    optional={"job_id": st.integers(0, 2**63 - 1), "metrics": st.just({"restart_times": 1})},
)
odd_jobs = st.builds(
    lambda job, name, value: {**job, name: value},
    good_jobs,
    st.sampled_from((*FIELDS, "other")),
    json_values,
)
odd_reports = st.one_of(
    json_values,
    st.fixed_dictionaries(
        {},
        optional={
            "jobs": json_values | st.lists(odd_jobs, max_size=3),
            "message_id": json_values,
            "msg_confirm_topic": json_values,
        },
    ),
    st.builds(lambda jobs: {"jobs": jobs, "message_id": "m"}, st.lists(odd_jobs, max_size=3)),
)
odd_bodies = st.one_of(
    st.binary(max_size=200),
    odd_reports.map(lambda report: json.dumps(report).encode()),
    st.builds(
        lambda report, cut: json.dumps(report).encode()[: -1 - cut],
        odd_reports,
        st.integers(0, 20),
    ),
    st.builds(
        lambda report, encoding: json.dumps(report, ensure_ascii=False).encode(
            encoding, "surrogatepass"
        ),
        odd_reports,
        st.sampled_from(["utf-16", "utf-32-le", "utf-8"]),
    ),
)


@settings(max_examples=400, deadline=None)
@given(odd_bodies)
@example(b'{"jobs":[{"status":"job_idle","create_time":1,"job_id":1e5}],"message_id":"m"}')
def test_any_body_is_read_or_named(content: bytes) -> None:
    found: Any
    try:
        found = read_report(content)
    except ReportError as error:
        found = error
    if isinstance(found, ReportError):
        assert found.place
        assert found.expected
        assert str(found).isprintable()
    else:
        assert all(job.status and job.create_time > 0 for job in found.jobs)
