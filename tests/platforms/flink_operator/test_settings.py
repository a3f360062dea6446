"""What contradicts itself in the settings is told with its place; what is not said has a use."""

from typing import Any

import pytest
from pydantic import ValidationError

from exporter.fields import Flaws
from exporter.platforms.flink_operator import PLATFORM, Settings
from exporter.upstream.tls import context_of
from exporter.vendors.flink_operator.errors import parse_error
from exporter.vendors.flink_operator.places import usual_details

POD = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}


def settings(**options: Any) -> Settings:
    return Settings.model_validate({"name": "ops", "platform": "flink_operator", **options})


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"namespaces": ["Streams"]}, "not the name of a namespace"),
        ({"namespaces": ["a", "a"]}, "a namespace is listed twice"),
        ({"job_managers": {"address": "{host}"}}, "expected http"),
        ({"job_managers": {"address": "http://flink"}}, "one address for all clusters"),
        ({"job_managers": {"hosts": ["a"]}}, "auth and hosts go together"),
        ({"job_managers": {"auth": {"bearer": {"token": "t"}}}}, "auth and hosts go together"),
        (
            {"details": "api_proxy", "job_managers": {"address": "http://{name}"}},
            "job_managers is for details: rest",
        ),
        ({"jobs": {"ids": ["orders"]}}, "expected namespace/name"),
        ({"namespaces": ["a"], "jobs": {"ids": ["b/orders"]}}, "expected namespace/name"),
        ({"namespaces": ["a"], "jobs": {"ids": ["a/sessionjob/or/ders"]}}, "expected namespace"),
        ({"auth": {"bearer": {"token": "t"}, "kubeconfig": {}}}, "give one of bearer, basic"),
        ({"details": "some"}, "'rest', 'api_proxy' or 'none'"),
    ],
)
def test_contradiction_is_told(options: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValidationError, match=expected):
        settings(**options)


@pytest.mark.parametrize(
    ("options", "environ", "expected"),
    [
        ({}, POD, "rest"),
        ({}, {}, "none"),
        ({"endpoint": "https://10.0.0.1"}, POD, "rest"),
        ({"endpoint": "https://10.0.0.2"}, POD, "none"),
        ({"auth": {"kubeconfig": {}}}, POD, "none"),
        ({"job_managers": {"address": "http://{name}"}}, {}, "rest"),
    ],
)
def test_job_managers_are_asked_where_they_can_be_reached(
    options: dict[str, Any], environ: dict[str, str], expected: str
) -> None:
    given = settings(**options)
    found = usual_details(given.job_managers, given.endpoint, given.auth, environ)
    assert found == expected


@pytest.mark.parametrize(
    ("options", "jobs", "inventory", "details"),
    [
        # What is asked for once an hour is a tenth of a call at each of the usual intervals.
        ({}, 0, 2, 5.1),
        ({"namespaces": ["a", "b"]}, 500, 8, 5.1),
        ({"details": "none"}, 100, 2, 0),
        ({"input_delay": False, "detail_interval": "1h"}, 101, 3, 4),
        ({"jobs": {"ids": ["a/b", "a/c"]}}, 2, 2, 5.1),
    ],
)
def test_calls_are_foretold(
    options: dict[str, Any], jobs: int, inventory: float, details: float
) -> None:
    cost = PLATFORM.cost(settings(**options), jobs)
    assert cost.per_inventory == inventory
    assert cost.per_details == pytest.approx(details)


@pytest.mark.parametrize(
    ("text", "error_id", "error_type"),
    [
        ("", "", ""),
        ("Job Not Found", "JobNotFound", ""),
        ("Something went wrong", "", ""),
        ("java.lang.IllegalStateException: no", *("java.lang.IllegalStateException",) * 2),
        (
            "a.b.OuterException: x\n\tat c\nCaused by: d.e.InnerError: y",
            "a.b.OuterException",
            "d.e.InnerError",
        ),
        ('{"type": "a.b.C", "throwableList": [{"type": "d.E"}, {"type": ""}]}', "a.b.C", "d.E"),
        ('{"type": "a b", "additionalMetadata": {"reason": "not a word"}}', "", ""),
        ("{cut in the mid", "", ""),
        ("[1]", "", ""),
    ],
)
def test_error_is_read_in_every_shape(text: str, error_id: str, error_type: str) -> None:
    found = parse_error(text, Flaws())
    assert (found.error_id, found.error_type) == (error_id, error_type)
    assert bool(found.text) is bool(text)


def test_what_is_no_certificate_is_an_error() -> None:
    with pytest.raises(OSError, match=r".*"):
        context_of(b"no certificate", None, None)
    with pytest.raises(OSError, match=r".*"):
        context_of(None, b"no certificate", b"no key", verify=False)
