"""A listing that is an object is read field by field, as one that is a list is row by row."""

import json
from typing import Any

import pytest

from exporter.errors import UnreadableError
from exporter.fields import ReadRows
from exporter.process.steps import finished
from exporter.source import MOST_JOBS
from exporter.upstream.large_json import PIECE, Path, RowReader, decode_in_steps


def _decoded(document: Any, *paths: Path) -> Any:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    rows = RowReader(paths=paths or [()], start=lambda: lambda _, row: row, named=True)
    return finished(decode_in_steps(body, rows))


def test_fields_are_rows_with_their_names_in_their_order() -> None:
    document = {f"对 {n}": {"n": [n, {"x": "y" * 999}]} for n in range(200)} | {"null": None}
    found = _decoded(document)
    assert isinstance(found, ReadRows)
    assert list(found) == list(document.items())


def test_numbers_count_the_rows() -> None:
    body = json.dumps({str(n): "x" * 100 for n in range(1000)}).encode()
    rows = RowReader(paths=[()], start=lambda: lambda number, _: number, named=True)
    assert finished(decode_in_steps(body, rows)) == list(range(1000))


def test_only_the_object_at_the_path_is_read_so() -> None:
    inner = {"a": {"a": {"b": 1}}, "b": [1]}
    found = _decoded({"rows": inner, "other": inner, "pad": "x" * PIECE}, ("rows",))
    assert found["rows"] == list(inner.items())
    assert found["other"] == inner


def test_what_is_no_object_is_as_it_is() -> None:
    assert _decoded([1, {"a": 2}]) == [1, {"a": 2}]
    assert _decoded({}) == []


def test_row_that_is_an_object_is_no_listing_of_its_own() -> None:
    assert _decoded({"a": {"b": {"c": 1}}}, ()) == [("a", {"b": {"c": 1}})]


@pytest.mark.parametrize("body", [b'{"a": 1', b'{"a" 1}', b"{1: 2}", b'{"a": 1]', b'{"a": 1} 2'])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"JSON|expected|name"):
        _decoded(body)


def test_name_that_is_longer_than_a_piece_is_refused() -> None:
    with pytest.raises(ValueError, match="name of a field is too long"):
        _decoded({"n" * (2 * PIECE): 1})


def test_more_rows_than_anybody_has_are_refused() -> None:
    body = b"{" + b",".join(b'"%d":0' % n for n in range(MOST_JOBS + 1)) + b"}"
    with pytest.raises(UnreadableError, match="more than"):
        _decoded(body)
