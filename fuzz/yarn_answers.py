"""Fuzz what reads the answers of YARN's ResourceManager."""

import json
from typing import Any

from exporter.discovery.yarn_applications import (
    Application,
    parse_application,
    parse_applications,
)
from exporter.discovery.yarn_names import ApplicationNames
from exporter.fields import Flaws, Record
from exporter.process.steps import finished
from fuzz.page import Unsound
from fuzz.target import Target, json_target

_APPLICATION = {
    "id": "application_1476912658570_0002",
    "user": "user2",
    "name": "word count",
    "queue": "root.streaming",
    "state": "RUNNING",
    "finalStatus": "UNDEFINED",
    "progress": 100.0,
    "trackingUI": "ApplicationMaster",
    "trackingUrl": "http://rm:8088/proxy/application_1476912658570_0002/",
    "diagnostics": "",
    "applicationType": "Apache Flink",
    "startedTime": 1476913457320,
    "finishedTime": 0,
    "amRPCAddress": "host.domain.com:4201",
}
_EXAMPLES: tuple[dict[str, Any], ...] = (
    {"apps": None},
    {"apps": {}},
    {"apps": {"app": [_APPLICATION, {**_APPLICATION, "id": "application_1476912658570_0003"}]}},
    {
        "apps": {
            "app": [
                {**_APPLICATION, "state": "FINISHED", "finalStatus": "KILLED"},
                {"id": "application_1_0009", "state": "ACCEPTED", "amRPCAddress": "N/A"},
            ]
        }
    },
    {"apps": {"app": _APPLICATION}},
    {"app": _APPLICATION},
)


def _check(data: bytes) -> None:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return
    flaws = Flaws()
    row = document.get("app") if isinstance(document, dict) else None
    found = parse_application(Record(row, "app", flaws)) if isinstance(row, dict) else None
    listing = parse_applications(document, flaws)
    applications = {each.application_id: each for each in listing.applications} if listing else {}
    if found is not None:
        applications[found.application_id] = found
    names = ApplicationNames()
    given = finished(names.assign(applications.values()))
    if len(set(given.values())) != len(applications):
        raise Unsound("two applications share a name")
    for each in applications.values():
        _look_at(each, given[each.application_id], names)


def _look_at(application: Application, name: str, names: ApplicationNames) -> None:
    for text in (name, names.of_ended(application), application.native_status):
        text.encode("utf-8")
        if not 0 <= len(text) < 800 or any(ord(each) < 32 for each in text):
            raise Unsound("a name does not fit a label")
    if not name:
        raise Unsound("a cluster has no name")
    host, _, port = application.master_address.rpartition(":")
    if application.master_address and (not 0 < int(port) < 65536 or "@" in host or "/" in host):
        raise Unsound("an address leads elsewhere")


def targets() -> tuple[Target, ...]:
    """Return a target for what a ResourceManager says."""
    return (
        json_target(
            "yarn_applications", _check, (parse_applications, parse_application), _EXAMPLES
        ),
    )
