"""A URL put together is the one that httpx would read."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.auth import canonical
from exporter.upstream.urls import Place

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
segments = st.lists(texts.filter(lambda text: text not in {".", ".."}), max_size=4)
pairs = st.lists(st.tuples(texts, texts), max_size=3)
BASES = [
    "https://dli.example",
    "https://dli.example/",
    "http://127.0.0.1:8081/a b/../c/",
    "HTTPS://user:secret@[::1]:9443/proxy",
    "http://中国.example:80",
]


@given(base=st.sampled_from(BASES), path=segments, query=pairs)
def test_url_is_the_one_that_httpx_reads(
    base: str, path: list[str], query: list[tuple[str, str]]
) -> None:
    encoded, parameters = canonical.path(*path), canonical.query(query)
    text = base.rstrip("/") + encoded + (f"?{parameters}" if parameters else "")
    url, read = Place(base).url(encoded, parameters), httpx.URL(text)
    assert url == read
    for what in ("scheme", "host", "port", "netloc", "raw_path", "userinfo", "query", "fragment"):
        assert getattr(url, what) == getattr(read, what)


def test_urls_of_one_place_do_not_change_each_other() -> None:
    place = Place("https://dli.example/v1")
    one, other = place.url("/a", "x=1"), place.url("/b")
    assert (str(one), str(other)) == (
        "https://dli.example/v1/a?x=1",
        "https://dli.example/v1/b",
    )


@pytest.mark.parametrize("base", ["https://xn--", "https://[::1", "/jobs", ""])
def test_place_that_cannot_be_is_refused(base: str) -> None:
    with pytest.raises((httpx.InvalidURL, ValueError)):
        Place(base)


@pytest.mark.parametrize(("path", "query"), [("/" + "x" * 70_000, ""), ("/", "x" * 70_000)])
def test_url_that_is_too_long_is_refused(path: str, query: str) -> None:
    with pytest.raises(httpx.InvalidURL):
        Place("https://dli.example").url(path, query)
