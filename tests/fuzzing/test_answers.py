"""Spoiled answers cost what they spoil: never another job, never the page, never the poll."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.model import State
from fuzz.changes import Change, apply, write
from fuzz.mutation import mutate
from tests import golden
from tests.fuzzing.replay import Replay, replay
from tests.fuzzing.strategies import changes, json_values

CASES = golden.cases()
EXCHANGES = 1 << 16
"""Any number stands for an exchange of a case: beyond the last it starts again."""

LISTINGS: dict[str, tuple[tuple[str, ...], str]] = {
    "alibaba_blink": (("Instances", "Instance"), "JobName"),
    "alibaba_flink": (("data",), "deploymentId"),
    "apache_flink": (("jobs",), "jid"),
    "huawei_dataarts": (("jobs",), "name"),
    "huawei_dli": (("job_list", "jobs"), "job_id"),
    "tencent_oceanus": (("Response", "JobSet"), "JobId"),
}
"""Where the rows are in the first answer of a typical case, and what tells whose they are."""

_OF_THE_MOMENT = re.compile(r"streaming_job_(duration|observed|state_since)_")
"""What differs with the moment of the answer, which comes later when another is asked twice."""


def _typical(platform: str) -> Path:
    return golden.FIXTURES / platform / "typical"


def _as_recorded(number: int, body: bytes) -> bytes:
    return body


def _spoilt(body: bytes, changes: list[Change]) -> bytes:
    try:
        return write(apply(json.loads(body), changes))
    except ValueError:
        # XML and pages of proxies are spoilt in the middle.
        return body[: len(body) // 2] + body[len(body) // 2 + 1 :]


def _check(found: Replay) -> None:
    assert found.surprises() == []
    assert found.snapshot.up is not None
    keys = [job.key for job in found.snapshot.jobs]
    assert len(keys) == len(set(keys))
    assert all(isinstance(job.state, State) for job in found.snapshot.jobs)


@settings(max_examples=120)
@given(st.sampled_from(CASES), st.integers(0, EXCHANGES), changes)
def test_case_with_a_spoilt_answer_is_polled_and_shown(
    folder: Path, which: int, changes: list[Change]
) -> None:
    count = len(_exchanges(folder))

    def spoil(number: int, body: bytes) -> bytes:
        return _spoilt(body, changes) if number == which % count else body

    _check(replay(folder, spoil))


@settings(max_examples=30)
@given(st.sampled_from(CASES), json_values)
def test_case_whose_answers_are_all_something_else_is_polled_and_shown(
    folder: Path, value: Any
) -> None:
    _check(replay(folder, lambda number, body: write(value)))


@settings(max_examples=30)
@given(st.sampled_from(CASES), st.integers(0, EXCHANGES), st.integers(0, 4000), st.binary())
def test_case_with_an_answer_that_is_cut_off_is_polled_and_shown(
    folder: Path, which: int, length: int, rest: bytes
) -> None:
    count = len(_exchanges(folder))

    def spoil(number: int, body: bytes) -> bytes:
        return body[:length] + rest if number == which % count else body

    _check(replay(folder, spoil))


@pytest.mark.parametrize("platform", LISTINGS)
@settings(max_examples=25)
@given(row=st.integers(0, 20), made=changes)
def test_spoilt_row_costs_no_other_job(platform: str, row: int, made: list[Change]) -> None:
    before = replay(_typical(platform), _as_recorded)
    after, mine = _with_row(platform, row, lambda fields: apply(fields, made))
    _check(after)
    for job in before.snapshot.jobs:
        if job.job_id != mine:
            assert _steady(after, job.job_id) == _steady(before, job.job_id) != []


def test_comparison_with_spoilt_rows_sees_a_job_that_is_lost() -> None:
    after, mine = _with_row("huawei_dli", 0, lambda fields: {})
    before = replay(_typical("huawei_dli"), _as_recorded)
    assert _steady(before, mine) != _steady(after, mine) == []


@pytest.mark.parametrize("platform", sorted({*LISTINGS} - {"alibaba_blink"}))
@settings(max_examples=25)
@given(which=st.integers(0, EXCHANGES), made=changes)
def test_spoilt_details_cost_no_other_job(platform: str, which: int, made: list[Change]) -> None:
    folder = _typical(platform)
    details = [n for n, each in enumerate(_exchanges(folder)) if _is_of_one_job(each["request"])]
    chosen = details[which % len(details)]

    def spoil(number: int, body: bytes) -> bytes:
        return _spoilt(body, made) if number == chosen else body

    before, after = replay(folder, _as_recorded), replay(folder, spoil)
    _check(after)
    ids = [job.job_id for job in before.snapshot.jobs]
    assert len([each for each in ids if _steady(after, each) != _steady(before, each)]) <= 1


@pytest.mark.real
@pytest.mark.parametrize("platform", LISTINGS)
def test_promtool_accepts_the_page_of_spoilt_answers(platform: str) -> None:
    for seed in range(4):
        random = Random(seed)

        def spoil(number: int, body: bytes, random: Random = random) -> bytes:
            return mutate(body, random, 1 << 20) or body

        found = replay(_typical(platform), spoil)
        checked = subprocess.run(
            ["promtool", "check", "metrics"],
            input=found.text,
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert (checked.stdout + checked.stderr).decode() == ""
        assert checked.returncode == 0


def _exchanges(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((folder / "case.yml").read_text())["exchanges"]
    return found


def _with_row(platform: str, row: int, change: Callable[[Any], Any]) -> tuple[Replay, str]:
    """Replay the typical case with one row of its listing changed; return also whose row."""
    path, name = LISTINGS[platform]
    mine = ""

    def spoil(number: int, body: bytes) -> bytes:
        nonlocal mine
        if number != 0:
            return body
        document = json.loads(body)
        rows = document
        for step in path:
            rows = rows[step]
        place = row % len(rows)
        mine = str(rows[place][name])
        rows[place] = change(rows[place])
        return write(document)

    return replay(_typical(platform), spoil), mine


def _steady(found: Replay, job_id: str) -> list[str]:
    """Return what the page says of a job whatever the moment."""
    return [line for line in found.lines_of(job_id) if not _OF_THE_MOMENT.match(line)]


def _is_of_one_job(request: str) -> bool:
    of_one_job = r"/jobs/(?!overview)[^?/]|deploymentId=|DescribeJobEvents"
    return re.search(of_one_job, request) is not None
