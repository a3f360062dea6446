"""Any report of edge jobs is refused by the name of a field, or taken and shown."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.edge.jobs import build_job, read_job
from exporter.edge.report import Report, read_report
from exporter.errors import ReportError
from exporter.fields import Flaws
from exporter.model import Job
from fuzz import examples
from fuzz.changes import Change, apply, write
from fuzz.page import NOW, Pages
from tests.fuzzing.strategies import changes, json_values

texts = st.one_of(
    json_values.map(lambda value: write(value).decode()), st.sampled_from(["{", "", "lost", "{}"])
)
free = st.one_of(st.dictionaries(st.text(max_size=8), json_values, max_size=4), texts)
jobs = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["job_running", "job_finish", "news"]),
        "create_time": st.just(10**9),
    },
    optional={
        "job_id": st.integers(0, 2**63 - 1),
        "metrics": free,
        "plan": free,
        "exceptions": free,
    },
)


def _take(body: bytes) -> Report | ReportError:
    found: Report | ReportError
    try:
        found = read_report(body)
    except ReportError as error:
        found = error
    if isinstance(found, ReportError):
        assert found.place
        assert found.expected
        assert str(found).isprintable()
    return found


def _show(report: Report) -> list[Job]:
    """Return the jobs of a report after the journal, and show them."""
    shown = {}
    for reported in report.jobs:
        known = read_job("p", reported, NOW, Flaws())
        facts = json.loads(json.dumps(known.facts, ensure_ascii=False, allow_nan=False).encode())
        assert facts == json.loads(json.dumps(known.facts))
        job = build_job(known, since=known.since, last_error=known.last_error, stale=False)
        shown[job.key] = job
    Pages().show(list(shown.values()), read_back=True)
    return list(shown.values())


@settings(max_examples=300)
@given(st.sampled_from(examples.REPORTS), changes)
def test_changed_report_is_refused_or_shown(body: bytes, made: list[Change]) -> None:
    found = _take(write(apply(json.loads(body), made)))
    if isinstance(found, Report):
        _show(found)


@settings(max_examples=300)
@given(st.lists(jobs, max_size=3))
def test_report_with_anything_in_its_free_fields_is_refused_or_shown(
    entries: list[dict[str, Any]],
) -> None:
    found = _take(write({"jobs": entries, "message_id": "m"}))
    if isinstance(found, Report):
        assert len(found.jobs) == len(entries)
        _show(found)


@settings(max_examples=100)
@given(st.lists(jobs, min_size=1, max_size=3), json_values)
def test_what_a_field_holds_that_nobody_documents_changes_no_job(
    entries: list[dict[str, Any]], value: Any
) -> None:
    plain = _take(write({"jobs": entries, "message_id": "m"}))
    more = _take(write({"jobs": [{**each, "more": value} for each in entries], "message_id": "m"}))
    if isinstance(plain, Report) and isinstance(more, Report):
        assert _show(plain) == _show(more)


def test_examples_of_reports_are_taken_and_shown() -> None:
    for body in examples.REPORTS:
        found = _take(body)
        assert isinstance(found, Report)
        assert len(_show(found)) == 1
