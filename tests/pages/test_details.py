"""The page of a job holds every fact that is known of it, and no empty line."""

from typing import Any

import pytest

from exporter.collecting.history import Change
from exporter.model import Job, ProblemKind, Snapshot, State
from exporter.pages.details import details
from tests.jobs import job, problem, snapshot
from tests.pages.overviews import NOW, READER
from tests.virtual_time import EPOCH


def _facts(found: Job, snap: Snapshot) -> dict[str, str]:
    page = details(found, snap, (), READER)
    return {
        f"{group.title}: {fact.name}": fact.time.absolute if fact.time else fact.text
        for group in page.groups
        for fact in group.facts
    }


def test_page_of_a_job_holds_every_fact_and_no_empty_line() -> None:
    full = job(
        state_since_timestamp=EPOCH,
        graph_state="RUNNING",
        expected_state="RUNNING",
        expected_running=True,
        job_type="flink_sql_job",
        run_mode="shared",
        queue="q1",
        engine_version="1.15",
        run_id="abc",
        duration_seconds=60.0,
        restart_times=2,
        input_delay_seconds=0.5,
        start_timestamp=EPOCH,
        end_timestamp=EPOCH,
        created_timestamp=EPOCH,
        updated_timestamp=EPOCH,
        last_error_timestamp=EPOCH,
        error_id="RUNTIME.1",
        error_type="java.lang.Error",
        parallelism=4,
        compute_units=2.5,
        health_score=93.0,
        last_checkpoint_completed_timestamp=EPOCH,
        last_checkpoint_duration_seconds=0.3,
        last_checkpoint_size_bytes=2048.0,
        checkpoints_completed=1200,
        checkpoints_failed=1,
        read_records=5e6,
        written_records=12.0,
        read_records_per_second=4.5,
        written_records_per_second=0.25,
        pending_records=1234.0,
        source_idle_seconds=75.0,
        backpressured_ratio=0.4,
        backpressure_level=1,
        busy_ratio=0.995,
    )
    moment_text = "2023-11-14 22:13:20 UTC"
    assert _facts(full, snapshot(labels=(("team", "payments"),))) == {
        "State: Since": moment_text,
        "State: Platform says": "job_running",
        "State: Execution plan says": "RUNNING",
        "State: Expected": "RUNNING",
        "State: Last seen": moment_text,
        "Run: Duration": "1 min",
        "Run: Started": moment_text,
        "Run: Ended": moment_text,
        "Run: Restarts": "2",
        "Run: Parallelism": "4",
        "Run: Compute units": "2.5",
        "Run: Run id": "abc",
        "Health: Input delay": "0.5 s",
        "Health: Health score": "93",
        "Health: Last checkpoint": moment_text,
        "Health: It took": "0.3 s",
        "Health: Its size": "2.0 kB",
        "Health: Completed checkpoints": "1,200",
        "Health: Failed checkpoints": "1",
        "Records: Read": "5,000,000",
        "Records: Written": "12",
        "Records: Read a second": "4.5",
        "Records: Written a second": "0.25",
        "Records: Waiting": "1,234",
        "Records: Nothing read for": "1 min 15 s",
        "Records: Sources held back": "40 %",
        "Records: Back pressure": "low",
        "Records: Busiest vertex": "100 %",
        "Last error: At": moment_text,
        "Last error: Type": "java.lang.Error",
        "Last error: Code": "RUNTIME.1",
        "Job: Id": "orders",
        "Job: Project": "p",
        "Job: Kind": "flink_sql_job",
        "Job: Mode": "shared",
        "Job: Queue": "q1",
        "Job: Engine": "1.15",
        "Job: Created": moment_text,
        "Job: Changed": moment_text,
        "Job: team": "payments",
    }
    assert set(_facts(job(), snapshot())) == {
        *("State: Platform says", "State: Last seen", "Job: Id", "Job: Project"),
    }


_SAMPLES = {
    "str": "sample",
    "int": 7,
    "float": EPOCH - 77,
    "bool": True,
    "tuple[tuple[str, float], ...]": (("sample", 7.0),),
}
_SHOWN_OTHERWISE = {
    *("state", "error_text", "tasks", "nodes"),
    "job_name",  # The title of the page.
    "name_digest",  # It stands for the part of the name that is left out.
    "finer_state",  # It is in the state already.
}


@pytest.mark.parametrize("name", sorted(set(Job._fields) - _SHOWN_OTHERWISE))
def test_every_fact_of_the_vocabulary_is_on_the_page_of_a_job(name: str) -> None:
    kind = str(Job.__annotations__[name]).removeprefix("<class '").removesuffix("'>")
    changed: dict[str, Any] = {name: _SAMPLES[kind.removesuffix(" | None")]}
    assert _facts(job(**changed), snapshot()) != _facts(job(), snapshot())


def test_selector_of_a_job_escapes_as_promql_does() -> None:
    page = details(job(job_name='a"b\\c'), snapshot(), (), READER)
    assert page.selector == (
        '{source="dli", platform="huawei_dli", project="p", job_id="orders", job_name="a\\"b\\\\c"}'
    )


def test_selector_of_a_job_spells_characters_that_would_turn_it() -> None:
    page = details(job(job_id="a", job_name="evil\u202egpj"), snapshot(), (), READER)
    assert page.selector.endswith('job_name="evil\\U0000202egpj"}')


def test_tasks_of_a_job_are_those_in_states_that_some_are_in() -> None:
    page = details(job(tasks=(("RUNNING", 4), ("FAILED", 0))), snapshot(), (), READER)
    assert page.tasks == (("RUNNING", 4),)


def test_source_that_is_down_is_named_on_the_page_of_a_job() -> None:
    assert details(job(), snapshot(up=False, failure="tls: bad"), (), READER).source_failure
    assert not details(job(), snapshot(failure="old"), (), READER).source_failure


def test_changes_are_told_with_the_word_of_the_platform() -> None:
    changes = (
        Change(at=EPOCH, before=State.RUNNING, after=None),
        Change(at=EPOCH, before=None, after=State.RUNNING),
        Change(at=EPOCH, before=State.RUNNING, after=State.RUNNING, new_run=True),
        Change(at=EPOCH, before=State.RUNNING, after=State.FAILED, native_status="FAILED"),
    )
    page = details(job(), snapshot(), changes, READER)
    assert [row.text for row in page.changes] == [
        *("no longer listed", "listed again", "new run", "FAILED"),
    ]


def test_all_problems_of_a_job_are_told_with_when_they_began_and_what_to_do() -> None:
    told = (
        problem(ProblemKind.FAILED),
        problem(ProblemKind.FAILED, "other"),
        problem(ProblemKind.CHECKPOINT_OLD, since_timestamp=NOW - 7200),
    )
    page = details(job(state=State.FAILED), snapshot(problems=told), (), READER)
    assert page.level == "bad"
    failed, checkpoint = page.problems
    assert (failed.kind, failed.level, failed.words) == (ProblemKind.FAILED, "bad", "failed")
    assert (checkpoint.level, checkpoint.words) == ("warning", "no checkpoint for 2 h")
    assert checkpoint.since is not None
    assert checkpoint.since.relative == "2 h ago"
    assert (failed.runbook, failed.runbook_elsewhere) == (
        "runbooks/StreamingJobFailed",
        "runbooks/zh/StreamingJobFailed",
    )
    unremarkable = details(job("well"), snapshot(problems=told), (), READER)
    assert (unremarkable.level, unremarkable.problems) == (None, ())
