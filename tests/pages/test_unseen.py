"""Jobs with a problem that are shown no longer are on the page, and at /api/v1, as such."""

import json
from dataclasses import replace

from exporter.collecting.history import Change
from exporter.model import GoneJob, JobKey, ProblemKind, Snapshot, State
from exporter.pages.unseen import unseen
from exporter.serving.job_json import encode_source
from tests.jobs import job, judged, problem, snapshot
from tests.pages.overviews import NOW, READER, names_of, overview_of
from tests.virtual_time import EPOCH


def _gone(number: int, name: str = "") -> GoneJob:
    return GoneJob(
        key=JobKey(project="p", job_id=f"j{number}"),
        job_name=name,
        last_state=State.RESTARTING,
        last_seen_timestamp=EPOCH - 60 + number,
        gone_timestamp=EPOCH + number,
    )


def _out_of_reach(**facts: object) -> Snapshot:
    """Return a source of which nothing is shown any more, and what was told of its jobs."""
    values = {"up": False, "failure": "timeout", "last_success_timestamp": NOW - 400, **facts}
    return snapshot(
        outdated=True,
        problems=(
            problem(ProblemKind.FAILED, "a", since_timestamp=NOW - 1000),
            problem(ProblemKind.STUCK, "b", since_timestamp=NOW - 2000),
            problem(ProblemKind.CHECKPOINT_OLD, "b"),
        ),
        **values,
    )


def test_jobs_of_a_source_out_of_reach_are_said_to_be_not_seen() -> None:
    page = overview_of(_out_of_reach(), snapshot(job("c"), source="other"))
    assert names_of(page) == ["a", "b", "c"]
    failed, stuck, _ = page.rows
    assert failed.state is None
    assert failed.sight is not None
    assert failed.sight.since is not None
    assert (failed.sight.word, failed.sight.since.relative) == ("not seen", "6 min 40 s ago")
    assert failed.since is not None
    assert (failed.reason, failed.since.relative) == ("failed", "16 min ago")
    assert (stuck.reason, stuck.more) == ("stuck", 1)
    assert page.headline == (
        "1 job in 2 sources: 2 need a look (2 no longer seen), 1 source is down"
    )
    assert page.found == "1 job and 2 no longer seen, worst first"
    assert page.announcement == "Jobs: 2 with other trouble. 1 source down."
    assert (page.total, page.attention) == (1, 2)


def test_jobs_no_longer_seen_are_told_though_no_job_is_known() -> None:
    page = overview_of(_out_of_reach())
    assert page.headline.startswith("No jobs are known: 2 need a look (2 no longer seen)")
    assert page.found == "0 jobs and 2 no longer seen, worst first"


def test_nobody_says_since_when_a_job_of_a_source_that_answers_is_not_seen() -> None:
    """Only a part of the source is out of reach, such as one cluster of many."""
    partly = replace(_out_of_reach(), up=True, outdated=False)
    sight = overview_of(partly).rows[0].sight
    assert sight is not None
    assert (sight.word, sight.since) == ("not seen", None)


def test_silent_job_is_not_seen_since_its_last_report() -> None:
    told = problem(ProblemKind.SILENT, since_timestamp=NOW - 7200)
    [row] = overview_of(snapshot(problems=(told,))).rows
    assert row.sight is not None
    assert row.sight.since is not None
    assert (row.sight.word, row.sight.since.relative) == ("not seen", "2 h ago")


def test_jobs_that_are_gone_are_among_the_jobs_with_what_they_last_did() -> None:
    gone = tuple(_gone(number, "x" * 500) for number in range(3))
    page = overview_of(judged(snapshot(job("here"), gone=gone)))
    assert [row.link.rpartition("=")[2] for row in page.rows] == ["j2", "j1", "j0", "here"]
    row = page.rows[0]
    assert row.sight is not None
    assert row.sight.since is not None
    assert row.sight.last_seen is not None
    assert (row.sight.word, row.sight.last_state) == ("gone", State.RESTARTING)
    assert (row.sight.since.relative, row.sight.last_seen.relative) == ("3 s ago", "1 min 3 s ago")
    assert (row.reason, len(row.name)) == ("", 120)


def test_jobs_no_longer_seen_are_found_and_sorted_like_all_others() -> None:
    held = _out_of_reach(), snapshot(job("c", State.FAILED, duration_seconds=1.0), source="other")
    assert names_of(overview_of(*held, query="q=b+dli")) == ["b"]
    assert names_of(overview_of(*held, query="source=dli")) == ["a", "b"]
    assert names_of(overview_of(*held, query="sort=name&order=desc")) == ["c", "b", "a"]
    assert names_of(overview_of(*held, query="sort=since")) == ["a", "b", "c"]
    for sort in ("state", "duration"):
        assert names_of(overview_of(*held, query=f"sort={sort}&order=desc")) == ["c", "a", "b"]
    # They are in no state.
    page = overview_of(*held, query="state=failed")
    assert names_of(page) == ["c"]
    assert page.found == "1 of 1 job and 2 no longer seen"
    assert [(chip.state, chip.count) for chip in page.chips] == [(State.FAILED, 1)]


def test_page_of_a_job_no_longer_seen_tells_all_its_problems() -> None:
    held = _out_of_reach()
    change = Change(at=EPOCH, before=State.RUNNING, after=State.FAILED)
    page = unseen(held.problems[1:], held, (change,), READER)
    assert (page.name, page.announcement, page.level) == ("b", "b: not seen", "warning")
    assert [row.words for row in page.problems] == ["stuck", "no checkpoint for long"]
    assert page.source_failure == "timeout"
    assert len(page.changes) == 1


def test_api_tells_what_is_gone_within_bounds() -> None:
    gone = tuple(_gone(number, f"n{number}") for number in range(300))
    document = json.loads(encode_source(snapshot(gone=gone)))
    assert (document["gone_jobs"], len(document["gone"])) == (300, 200)
    assert document["gone"][0] == {
        "project": "p",
        "job_id": "j299",
        "job_name": "n299",
        "last_state": "restarting",
        "last_seen_timestamp": EPOCH + 239,
        "gone_timestamp": EPOCH + 299,
    }


def test_api_tells_who_is_no_longer_seen_within_bounds_but_not_who_is_gone() -> None:
    told = [[problem(ProblemKind.GONE, "gone")]]
    told += [[problem(ProblemKind.FAILED, f"n{number}")] for number in range(300)]
    document = json.loads(encode_source(snapshot(), told))
    assert (document["unseen_jobs"], len(document["unseen"])) == (300, 200)
    assert document["unseen"][0] == {
        "project": "p",
        "job_id": "n0",
        "job_name": "n0",
        "problems": [{"problem": "failed", "since": EPOCH - 60}],
    }
