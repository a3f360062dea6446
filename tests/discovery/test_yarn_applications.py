"""What YARN says of its applications is read, whatever is missing."""

from typing import Any

import pytest

from exporter.discovery.yarn_applications import (
    Application,
    parse_application,
    parse_applications,
)
from exporter.discovery.yarn_settings import YarnSettings
from exporter.fields import Flaws, Record
from exporter.model import State

ID = "application_1476912658570_0002"
DOCUMENTED = {
    "id": ID,
    "user": "user2",
    "name": "word count",
    "queue": "default",
    "state": "FINISHED",
    "finalStatus": "SUCCEEDED",
    "trackingUI": "History",
    "diagnostics": "Shutdown",
    "applicationType": "Apache Flink",
    "startedTime": 1476913457320,
    "finishedTime": 1476913761898,
    "amHostHttpAddress": "host.domain.com:8042",
    "amRPCAddress": "host.domain.com:4201",
}


def read(**fields: Any) -> Application:
    found = parse_application(Record({**DOCUMENTED, **fields}, "app", Flaws()))
    assert found is not None
    return found


def test_documented_application_is_read() -> None:
    assert read() == Application(
        application_id=ID,
        name="word count",
        user="user2",
        queue="default",
        application_type="Apache Flink",
        state="FINISHED",
        final_status="SUCCEEDED",
        started_timestamp=1476913457.32,
        finished_timestamp=1476913761.898,
        master_address="host.domain.com:4201",
        diagnostics="Shutdown",
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("N/A", ""),
        ("N/A:0", ""),
        ("host:-1", ""),
        ("host:0", ""),
        ("host:65536", ""),
        ("host", ""),
        ("user@host:80", ""),
        ("host/path:80", ""),
        ("[fe80::1]:8081", "[fe80::1]:8081"),
        ("10.0.0.1:8081", "10.0.0.1:8081"),
    ],
)
def test_address_of_a_master_is_a_host_and_a_port_or_none(given: str, expected: str) -> None:
    assert read(amRPCAddress=given).master_address == expected


def test_words_that_are_none_are_not_repeated() -> None:
    found = read(state="running", finalStatus="<b>")
    assert (found.state, found.final_status, found.native_status) == ("RUNNING", "", "RUNNING")
    assert read(state="x y", finalStatus="FAILED").native_status == ""
    assert read(state="FINISHED", finalStatus="").native_status == "FINISHED"
    assert read(state="FINISHED", finalStatus="").end_state is State.UNKNOWN
    assert read(state="RUNNING").end_state is State.UNKNOWN


def test_states_within_a_resource_manager_are_told_apart() -> None:
    assert not read(state="FINAL_SAVING").ended
    assert not read(state="KILLING").ended
    assert read(state="FINISHING").ended
    assert read(state="ACCEPTED").waiting
    assert not read(state="RUNNING").waiting


@pytest.mark.parametrize("document", [{"apps": None}, {"apps": {}}])
def test_nothing_is_an_empty_listing(document: Any) -> None:
    listing = parse_applications(document, Flaws())
    assert listing is not None
    assert listing.applications == ()


@pytest.mark.parametrize(
    "document",
    [None, [], {}, "x", {"app": []}, {"apps": []}, {"apps": {"x": 1}}, {"apps": {"app": None}}],
)
def test_anything_else_is_no_listing(document: Any) -> None:
    assert parse_applications(document, Flaws()) is None


def test_rows_that_are_none_are_counted() -> None:
    flaws = Flaws()
    listing = parse_applications({"apps": {"app": [DOCUMENTED, 3, {"id": "x"}]}}, flaws)
    assert listing is not None
    assert (len(listing.applications), listing.unreadable) == (1, 2)
    assert flaws.unreadable_count == 2


def test_list_of_one_may_come_without_a_list() -> None:
    listing = parse_applications({"apps": {"app": DOCUMENTED}}, Flaws())
    assert listing is not None
    assert [each.application_id for each in listing.applications] == [ID]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "Field required"),
        ({"endpoints": []}, "at least 1 item"),
        ({"endpoints": ["rm1"]}, "expected http"),
        (
            {"endpoints": ["http://rm1"], "reach": "direct", "proxy_endpoints": ["http://p"]},
            "proxy_endpoints are for reach: proxy",
        ),
        ({"endpoints": ["http://rm1"], "scheme": "https"}, "scheme is for reach: direct"),
        ({"endpoints": ["http://rm1"], "application_type": "A,B"}, "one type, no list"),
        ({"endpoints": ["http://rm1"], "applications": {"include": ["("]}}, "not a regular"),
        ({"endpoints": ["http://rm1"], "name": "x"}, "Extra inputs are not permitted"),
    ],
)
def test_bad_settings_say_what_is_wrong(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        YarnSettings.model_validate(settings)
