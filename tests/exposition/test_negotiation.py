"""The page comes in the format and the encoding that the headers of a scrape ask for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import exposition as text_format
from prometheus_client.openmetrics import exposition as openmetrics

from exporter.exposition import OPENMETRICS, TEXT, wants_gzip, wants_openmetrics
from tests.exposition.expositions import exposition_of

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_2_PROTOBUF = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,"
    "application/openmetrics-text;version=1.0.0;q=0.8,"
    "application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)
PROMETHEUS_TEXT_ONLY = "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
PROMETHEUS_TEXT_FIRST = (
    "text/plain;version=0.0.4;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.2"
)
BROWSER = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8,"
    "application/signed-exchange;v=b3;q=0.7"
)


@pytest.mark.parametrize(
    ("accept", "openmetrics_wanted"),
    [
        (PROMETHEUS_2, True),
        (PROMETHEUS_2_PROTOBUF, True),
        (PROMETHEUS_3, True),
        (PROMETHEUS_TEXT_ONLY, False),
        (PROMETHEUS_TEXT_FIRST, False),
        (BROWSER, False),
        ("*/*", False),
        ("", False),
        ("text/plain", False),
        ("application/json", False),
        ("application/*", False),
        ("application/openmetrics-text", True),
        ("Application/OpenMetrics-Text ; Version=1.0.0 ; Q=0.1", True),
        ("application/openmetrics-text;q=0", False),
        ("application/openmetrics-text;q=0.0, text/plain;q=0", False),
        ("application/openmetrics-text;q=0.5, text/plain;q=0.5", True),
        ("application/openmetrics-text;q=0.4, text/plain;q=0.5", False),
        ("application/openmetrics-text;q=0.4, text/plain", False),
        ("application/openmetrics-text;q=high", False),
        ("application/openmetrics-text;q=", False),
        ("application/openmetrics-text;q=nan", False),
        ("application/openmetrics-text-x", False),
        (",,;;=,q", False),
    ],
)
def test_format_of_the_page_is_the_one_asked_for(accept: str, openmetrics_wanted: bool) -> None:
    assert wants_openmetrics(accept) is openmetrics_wanted
    body, headers = exposition_of().scrape(accept=accept)
    assert headers["content-type"] == (OPENMETRICS if openmetrics_wanted else TEXT)
    assert body.endswith(b"# EOF\n") is openmetrics_wanted


@pytest.mark.parametrize(
    ("accept_encoding", "wanted"),
    [
        ("gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("gzip;q=1.0, identity;q=0.5, *;q=0", True),
        ("br;q=1.0, gzip;q=0.8", True),
        ("GZIP", True),
        ("deflate,gzip;q=0.001", True),
        ("", False),
        ("identity", False),
        ("deflate, br", False),
        ("x-gzip", False),
        ("*", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000, *", False),
        ("gzip;q=x", False),
    ],
)
def test_page_is_compressed_only_for_who_asks(accept_encoding: str, wanted: bool) -> None:
    assert wants_gzip(accept_encoding) is wanted
    _, headers = exposition_of().scrape(accept_encoding=accept_encoding)
    assert headers.get("content-encoding") == ("gzip" if wanted else None)


@given(st.text() | st.lists(st.sampled_from(list("gzip;q=0.,* \t-e+1nafX"))).map("".join))
def test_no_header_breaks_a_scrape(header: str) -> None:
    wants_openmetrics(header)
    wants_gzip(header)


def test_caches_are_told_what_the_page_depends_on() -> None:
    for accept_encoding in ("", "gzip"):
        _, headers = exposition_of().scrape(accept_encoding=accept_encoding)
        assert headers["vary"] == "accept, accept-encoding"


def test_content_types_are_those_of_the_client_library() -> None:
    encode, text = text_format.choose_encoder("")
    assert encode is not None
    assert text.startswith(TEXT.rsplit(";", 1)[0])
    assert OPENMETRICS == openmetrics.CONTENT_TYPE_LATEST
