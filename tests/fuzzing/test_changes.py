"""Changes do to a document what they say, so that the tests made of them test something."""

import json
from random import Random

import pytest

from fuzz.changes import HOSTILE, Change, How, apply, raw, write
from fuzz.mutation import mutate

DOCUMENT = {"a": [1, {"b": "x"}], "c": None}
# The places, counted as they are walked: 0 is all, then a, a[0], a[1], a[1].b, c.


@pytest.mark.parametrize(
    ("change", "written"),
    [
        (Change(4, How.DROP), {"a": [1, {}], "c": None}),
        (Change(2, How.DROP), {"a": [{"b": "x"}], "c": None}),
        (Change(1, How.REPLACE, 7), {"a": 7, "c": None}),
        (Change(0, How.REPLACE, 7), 7),
        (Change(2, How.DOUBLE), {"a": [1, 1, {"b": "x"}], "c": None}),
        (Change(4, How.WRAP), {"a": [1, {"b": ["x"]}], "c": None}),
        (Change(3, How.AS_TEXT), {"a": [1, '{"b": "x"}'], "c": None}),
        (Change(4, How.AS_TEXT), DOCUMENT),
        (Change(4, How.RENAME), {"a": [1, {"B": "x"}], "c": None}),
        (Change(5, How.REPLACE, 0), {"a": [1, {"b": "x"}], "c": 0}),
        (Change(6, How.REPLACE, 0), 0),
    ],
)
def test_change_is_made_at_its_place(change: Change, written: object) -> None:
    assert json.loads(write(apply(DOCUMENT, [change]))) == written


def test_key_that_is_doubled_is_written_twice() -> None:
    made = apply(DOCUMENT, [Change(5, How.DOUBLE, 1)])
    assert write(made) == b'{"a": [1, {"b": "x"}], "c": null, "c": 1}'
    again = apply(made, [Change(6, How.REPLACE, 2)])
    assert write(again) == b'{"a": [1, {"b": "x"}], "c": null, "c": 2}'


def test_what_is_buried_is_below_many_levels() -> None:
    assert write(apply(1, [Change(0, How.BURY)])).count(b"{") == 60


def test_raw_numbers_are_written_as_they_are() -> None:
    assert write({"a": raw("1e400")}) == b'{"a": 1e400}'


def test_hostile_values_can_all_be_written() -> None:
    assert len(write(list(HOSTILE))) > 1000


def test_mutation_makes_other_documents_and_leaves_other_bytes_alone() -> None:
    random = Random(1)
    made = {mutate(b'{"a": [1, 2], "b": "c"}', random, 1 << 16) for _ in range(100)}
    assert len(made) > 50
    assert mutate(b"{", random, 1 << 16) is None
    assert mutate(b"[" * 100_000, random, 1 << 16) is None
    assert mutate(b'{"a": 1}', random, 1) is None
