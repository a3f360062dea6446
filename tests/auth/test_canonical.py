"""Paths and queries are built in the one form that is both sent and signed."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.auth import canonical

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SEGMENT = TEXT.filter(lambda text: text not in {"", ".", ".."})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("AZaz09-_.~", "AZaz09-_.~"),
        ("a b", "a%20b"),
        ("/*+%", "%2F%2A%2B%25"),
        ("测试", "%E6%B5%8B%E8%AF%95"),
        ("", ""),
    ],
)
def test_encode_leaves_only_unreserved_characters(text: str, expected: str) -> None:
    """RFC 3986, section 2.3, with upper-case hexadecimal digits."""
    assert canonical.encode(text) == expected


def test_path_keeps_a_slash_inside_its_segment() -> None:
    """A job name with a slash is one segment, not two."""
    assert canonical.path("v1", "a/b c") == "/v1/a%2Fb%20c"
    assert canonical.path() == "/"


@pytest.mark.parametrize("segment", ["", ".", ".."])
def test_path_is_refused_when_a_segment_would_lead_elsewhere(segment: str) -> None:
    """A job named ".." must not turn a request for one job into another request."""
    with pytest.raises(ValueError, match="dots"):
        canonical.path("jobs", segment, "status")


def test_path_is_refused_when_text_is_no_unicode() -> None:
    """Half a surrogate pair, which JSON can carry, has no UTF-8 form."""
    with pytest.raises(ValueError, match="surrogates"):
        canonical.path("\ud800")


def test_query_is_sorted_by_name_then_value() -> None:
    """Repeated and empty parameters keep their place in the order."""
    pairs = [("b", "2"), ("a", ""), ("b", "1"), ("B", "3"), ("a", "z/")]
    assert canonical.query(pairs) == "B=3&a=&a=z%2F&b=1&b=2"
    assert canonical.query([]) == ""


def test_split_brings_any_query_into_canonical_form() -> None:
    """A parameter without a value is signed as one with an empty value."""
    assert canonical.split("/a%2Fb?z&y=%7E&x=1=2&&") == ("/a%2Fb", "x=1%3D2&y=~&z=")
    assert canonical.split("/a?") == ("/a", "")
    assert canonical.split("") == ("/", "")


@given(st.lists(SEGMENT, max_size=4), st.lists(st.tuples(TEXT, TEXT), max_size=4))
def test_httpx_sends_what_was_built(segments: list[str], pairs: list[tuple[str, str]]) -> None:
    """The URL class of httpx changes no character of path and query."""
    path, query = canonical.path(*segments), canonical.query(pairs)
    target = f"{path}?{query}" if query else path
    assert httpx.URL(f"https://example.com{target}").raw_path.decode() == target
    assert canonical.split(target) == (path, query)
