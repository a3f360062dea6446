"""A large text says the same in steps as at once, and what is too much of it ends it early."""

import json
import random
import time
import tracemalloc
from typing import Any

import pytest

from exporter.errors import UnreadableError
from exporter.fields import ReadRows, read_rows
from exporter.process.steps import Steps, finished
from exporter.source import MOST_JOBS
from exporter.upstream.large_json import MOST_BESIDE_ROWS, PIECE, RowReader, decode_in_steps


def reader(*paths: tuple[str, ...], keep: bool = True) -> RowReader:
    return RowReader(paths=paths, start=lambda: lambda number, row: row if keep else number)


def pretty(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=3).encode()


def plain(value: Any) -> bytes:
    return json.dumps(value).encode()


DOCUMENTS: list[Any] = [
    {
        "jobs": [
            {"id": n, "text": '任务\\"\n' * (n % 7), "x": [n / 7, -n, 1e30]} for n in range(9000)
        ]
    },
    {"a": {"b": "x" * 1000}, "jobs": [{"sql": "é" * 50_000}] * 20, "total": 12345678901234567890},
    {"jobs": [[[[n]]] for n in range(20_000)], "none": None, "yes": True, "no": False},
    [{"a": "1" * 70_000}, "-" * 200_000, 1.5, "\\" * 100_001, "订" * 100_000, '"' * 99_999],
    {str(n): {"v": n * 1e-5} for n in range(30_000)},
    {
        "jobs": [],
        "pad": ["😀" * 30_000, "a" * (PIECE - 3), "a" * PIECE, "a" * (PIECE + 1)],
    },
    [0.1 + n for n in range(30_000)],
    "a" * 100_000,
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=range(len(DOCUMENTS)))
@pytest.mark.parametrize("write", [plain, pretty])
@pytest.mark.parametrize("paths", [(), (("jobs",),), (("a", "b"), ("data",))])
def test_decodes_like_the_standard_library(document: Any, write: Any, paths: Any) -> None:
    body = write(document)
    assert len(body) > PIECE
    found = finished(decode_in_steps(body, reader(*paths) if paths else None))
    assert _shortened(found) == _shortened(json.loads(body))


def _shortened(value: Any) -> Any:
    """Of texts that are longer than a piece the beginning is kept."""
    if isinstance(value, str):
        return (value[:5_000], len(value) if len(value) < 5_000 else "long")
    if isinstance(value, list):
        return [_shortened(each) for each in value]
    if isinstance(value, dict):
        return {name: _shortened(each) for name, each in value.items()}
    return value


def test_cuts_fall_everywhere() -> None:
    value = {"jobs": [{"n": -12.5e-3, "t": "é\\n😀", "u": "\u2028", "b": [True, None, {}]}] * 4000}
    body = plain(value)
    for shift in range(64):
        padded = b" " * shift + body
        assert finished(decode_in_steps(padded, reader(("jobs",)))) == value


@pytest.mark.parametrize("seed", range(5))
def test_what_is_no_json_is_none_in_steps_either(seed: int) -> None:
    chance = random.Random(seed)
    good = plain({"jobs": [{"id": str(n), "n": n} for n in range(5000)], "total": 5000})
    for _ in range(40):
        place = chance.randrange(len(good))
        bad = good[:place] + chance.choice([b"", b"}", b"]", b'"', b",", b"\\", b"\xff", b"x"])
        bad += good[place + chance.randrange(3) :]
        try:
            expected = json.loads(bad)
        except ValueError:
            with pytest.raises(ValueError):  # noqa: PT011
                finished(decode_in_steps(bad, reader(("jobs",))))
        else:
            assert finished(decode_in_steps(bad, reader(("jobs",)))) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b"[" * 200_000 + b"]" * 200_000,
        b"1" * 200_000,
        b"0." + b"1" * 200_000,
        b" " * 200_000,
        b'"' + b"a" * 200_000,
        b"[1," * 50 + b"1" * 300_000,
        b"[1] [" + b"1," * 100_000 + b"1]",
        b'{"' + b"a" * 200_000 + b'":1}',
        json.dumps(["a"] * 50_000).encode("utf-16"),
        b"\x80" * 200_000,
    ],
)
def test_hostile_text_is_unreadable_and_quickly_so(body: bytes) -> None:
    began = time.thread_time()
    with pytest.raises((ValueError, RecursionError)):
        finished(decode_in_steps(body, reader(("a",))))
    assert time.thread_time() - began < 1


def test_rows_are_read_as_they_come_and_only_what_is_read_is_kept() -> None:
    body = plain(
        {"job_list": {"total": 3, "jobs": [{"id": n, "x": "y" * 90} for n in range(3000)]}}
    )
    found = finished(decode_in_steps(body, reader(("job_list", "jobs"), keep=False)))
    rows = found["job_list"]["jobs"]
    assert (rows, type(rows), found["job_list"]["total"]) == (list(range(3000)), ReadRows, 3)
    # Who reads them afterwards finds them read.
    assert read_rows(rows, lambda number, row: -1) == list(range(3000))
    assert read_rows([1, 2], lambda number, row: (number, row)) == [(0, 1), (1, 2)]


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b'{"jobs":[' + b"{}," * MOST_JOBS + b"{}]}", f"more than {MOST_JOBS} rows"),
        (b'{"jobs":[' + b"0," * 30_000_000 + b"0]}", f"more than {MOST_JOBS} rows"),
        (b'{"x":[' + b"0," * 30_000_000 + b"0]}", "a list of more than 100000 entries"),
        (b'{"x":[' + b"[]," * 20_000_000 + b"0]}", "more than 100000 "),
        (b'{"x":"' + b"a" * 60_000_000 + b'"}', f"{MOST_BESIDE_ROWS} bytes beside"),
        (b'{"jobs":[{"x":[' + b"[]," * 20_000_000 + b"0]}]}", "more than 100000 "),
        (b'{"jobs":[{"x":"' + b"a" * 60_000_000 + b'"}]}', f"{MOST_BESIDE_ROWS} bytes in one row"),
        (b'{"jobs":[]}' + b" " * 60_000_000, f"{MOST_BESIDE_ROWS} bytes beside"),
    ],
    ids=range(8),
)
def test_what_is_too_much_is_said_before_it_is_held(body: bytes, what: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableError, match=what):
            finished(decode_in_steps(body, reader(("jobs",), keep=False)))
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "body",
    [
        plain({"jobs": [{"id": str(n), "state": "RUNNING", "at": n} for n in range(60_000)]}),
        b'{"jobs":[' + b"{}," * 150_000 + b"{}]}",
        b'{"x":[' + b"0," * 90_000 + b"0]}",
        b'{"x":"' + b'\\"' * 3_000_000 + b'"}',
        b'{"x":{' + b",".join(b'"%d":1' % n for n in range(90_000)) + b"}}",
    ],
    ids=range(5),
)
def test_no_step_takes_long(body: bytes) -> None:
    assert longest(decode_in_steps(body, reader(("jobs",), keep=False))) < 0.02


def longest(steps: Steps[Any]) -> float:
    found, began = 0.0, time.thread_time()
    for _ in steps:
        found = max(found, time.thread_time() - began)
        began = time.thread_time()
    return max(found, time.thread_time() - began)
