"""The chapter about the JSON API has every field that is answered, with its type, in its order."""

import json
import re
import types
from enum import StrEnum
from typing import Any, get_args, get_type_hints

import pytest

from exporter.model import (
    ClusterCounts,
    ClusterStatus,
    Condition,
    GoneJob,
    Job,
    JobKey,
    Node,
    Problem,
    ProblemKind,
    Snapshot,
    State,
)
from exporter.serving.job_json import ASKED, encode_job, encode_source
from tests.docs.chapters.tables import CHAPTERS, rows
from tests.jobs import job, problem, snapshot

_NEVER_READ = snapshot(up=None, last_success_timestamp=None)
_GONE = GoneJob(
    key=JobKey(project="p", job_id="g"),
    job_name="g",
    last_state=State.RUNNING,
    last_seen_timestamp=1.5,
    gone_timestamp=2.5,
)
_CLUSTERS = ClusterCounts(
    reached=1,
    unreached=0,
    skipped=0,
    named=(ClusterStatus(name="c", condition=Condition.REACHED),),
)
_READ = snapshot(
    job("a", nodes=(Node(name="n"),)),
    up=True,
    failure="",
    last_success_timestamp=1.5,
    last_poll_timestamp=1.5,
    next_poll_timestamp=2.5,
    poll_duration_seconds=0.5,
    gone=(_GONE,),
    clusters=_CLUSTERS,
)
_UNSEEN: list[tuple[Problem, ...]] = [(problem(ProblemKind.FAILED, "u"),)]


@pytest.fixture(name="chapter", params=CHAPTERS)
def _chapter(request: pytest.FixtureRequest) -> str:
    return (CHAPTERS[request.param] / "json-api.md").read_text()


def _tables(chapter: str) -> list[dict[str, set[str]]]:
    """Return the tables of fields, each with the types by field."""
    found = []
    for part in re.split(r"^##+ ", chapter, flags=re.MULTILINE):
        fields_of_part = {
            row[0].strip("`"): set(re.findall(r"`(\w+)`", row[1]))
            for row in rows(part)
            if len(row) == 3
        }
        if fields_of_part:
            found.append(fields_of_part)
    return found


_OF_PYTHON = {str: "string", bool: "boolean", int: "integer", float: "number", dict: "object"}
_NAMES = {**_OF_PYTHON, list: "array", type(None): "null"}


def _declared(model: type[Job] | type[Node]) -> dict[str, set[str]]:
    return {name: _types(name, hint) for name, hint in get_type_hints(model).items()}


def _types(name: str, hint: Any) -> set[str]:
    if isinstance(hint, types.UnionType):
        return set().union(*(_types(name, each) for each in get_args(hint)))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return {"string"}
    # What is kept as pairs is told as an object.
    return {_NAMES.get(hint, "array" if name == "nodes" else "object")}


def _answered(text: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(text)
    return document


def test_fields_of_jobs_and_nodes_are_documented_in_order(chapter: str) -> None:
    jobs, nodes = _tables(chapter)[:2]
    (answered,) = (_answered(encode_job(each, _READ)) for each in _READ.jobs)
    assert list(jobs) == list(answered)
    assert list(nodes) == list(answered["nodes"][0])


def test_types_of_jobs_and_nodes_are_those_of_the_model(chapter: str) -> None:
    jobs, nodes = _tables(chapter)[:2]
    of_the_source = {
        "source": {"string"},
        "platform": {"string"},
        "labels": {"object"},
        "problems": {"array"},
    }
    assert jobs == of_the_source | _declared(Job)
    assert nodes == _declared(Node)


def test_fields_of_sources_and_what_is_in_them_are_documented(chapter: str) -> None:
    _, _, problems, sources, gone, unseen, clusters = _tables(chapter)
    read, never = (
        _answered(encode_source(each, told)) for each, told in ((_READ, _UNSEEN), (_NEVER_READ, []))
    )
    assert list(sources) == list(read)
    assert list(gone) == list(read["gone"][0])
    assert list(unseen) == list(read["unseen"][0])
    assert list(problems) == list(read["unseen"][0]["problems"][0])
    assert list(clusters) == list(read["clusters"])
    seen = {name: {_NAMES[type(read[name])], _NAMES[type(never[name])]} for name in read}
    assert sources == seen


def test_parameters_are_documented(chapter: str) -> None:
    told = {row[0].strip("`") for row in rows(chapter) if len(row) == 2} - {"200"}
    assert {each for each in told if not each.isdigit()} == set(ASKED)


def test_examples_hold_fields_of_the_tables_in_their_order(chapter: str) -> None:
    jobs, _, _, sources = _tables(chapter)[:4]
    examples = [_answered(text) for text in re.findall(r"```json\n(.*?)```", chapter, re.DOTALL)]
    assert [name for name in jobs if name in examples[0]] == list(examples[0])
    assert list(examples[1]) == list(sources)


def test_answer_without_a_poll_says_nothing_in_place_of_numbers() -> None:
    told = _answered(encode_source(Snapshot(source="s", platform="p", stale_after=1.0)))
    assert (told["up"], told["jobs"], told["next_poll_timestamp"]) == (None, None, None)
