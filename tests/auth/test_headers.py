"""Headers are read and written as httpx would, all at once."""

import httpx
from hypothesis import given
from hypothesis import strategies as st

from exporter.auth.headers import read_headers, with_headers

names = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,8}", fullmatch=True)
values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=8)
pairs = st.lists(st.tuples(names, values), max_size=8)


@given(pairs)
def test_headers_are_read_as_httpx_reads_them(given: list[tuple[str, str]]) -> None:
    headers = httpx.Headers(given)
    assert read_headers(headers) == dict(headers.items())


@given(pairs, st.dictionaries(names.map(str.lower), values, max_size=4))
def test_headers_are_exchanged_as_httpx_exchanges_them(
    given: list[tuple[str, str]], changes: dict[str, str]
) -> None:
    expected = httpx.Headers(given)
    expected.update(changes)
    changed: dict[str, str | None] = {**changes}
    assert with_headers(httpx.Headers(given), changed) == expected


def test_header_is_left_out_when_it_is_changed_to_none() -> None:
    headers = httpx.Headers([("X-Token", "1"), ("x-token", "2"), ("Accept", "*/*")])
    assert with_headers(headers, {"X-TOKEN": None}).raw == [(b"Accept", b"*/*")]


def test_header_that_is_no_ascii_is_read_byte_by_byte() -> None:
    assert read_headers(httpx.Headers([(b"X-Name", b"\xe4\xbd")])) == {"x-name": "\xe4\xbd"}
