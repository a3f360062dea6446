"""A number with more digits than the interpreter reads costs nothing that stands beside it."""

import json
import math
from typing import Any

import pytest

from exporter.fields import Flaws, Record
from exporter.process.steps import finished
from exporter.upstream.json_numbers import loads
from exporter.upstream.large_json import PIECE, RowReader, decode_in_steps
from exporter.upstream.refusals import Answer

LONG = "9" * 5000
ROWS = RowReader(paths=[("jobs",)], start=lambda: lambda number, row: row)


def body(number: str, *, padding: int = 0) -> bytes:
    return f'{{"jobs": [{{"id": 1, "n": {number}, "x": "{"-" * padding}"}}, {{"id": 2}}]}}'.encode()


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (LONG, math.inf),
        (f"-{LONG}", -math.inf),
        ("9" * 600, int("9" * 600)),
        ("-1", -1),
        ("1e999", math.inf),
        ("1.5", 1.5),
    ],
    ids=lambda each: str(each)[:8],
)
@pytest.mark.parametrize("padding", [0, 2 * PIECE])
def test_number_of_any_length_is_read_beside_one_that_is_too_long(
    number: str, expected: float, padding: int
) -> None:
    text = body(number, padding=padding).replace(b'"id": 2', b'"id": 2, "m": ' + LONG.encode())
    at_once: Any = loads(text)
    in_steps: Any = finished(decode_in_steps(text, ROWS))
    for first, second in (at_once["jobs"], in_steps["jobs"]):
        assert (first["id"], first["n"]) == (1, expected)
        assert second == {"id": 2, "m": math.inf}


def test_integers_are_exact_where_the_interpreter_reads_all_of_them() -> None:
    assert loads(body("12345678901234567890123"))["jobs"][0]["n"] == 12345678901234567890123


@pytest.mark.parametrize("text", [b"[1,", b"[\xff]", LONG.encode() + b"x", b"", b"[1] 2"])
def test_what_is_no_json_is_none(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        loads(text)
    assert Answer(200, {}, text).decoded() is None


def test_field_with_such_a_number_is_a_flaw_of_that_field_alone() -> None:
    flaws = Flaws()
    record = Record(Answer(200, {}, body(LONG)).document["jobs"][0], "job", flaws)
    assert (record.count("n"), record.count("id")) == (None, 1)
    assert [flaw.place for flaw in flaws.unreadable] == ["job.n"]
    with pytest.raises(ValueError):  # noqa: PT011
        json.loads(body(LONG))
