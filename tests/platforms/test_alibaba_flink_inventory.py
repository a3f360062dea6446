"""An inventory asks for pages, for doubtful states by themselves, and for chosen deployments."""

from typing import Any

import pytest
from pydantic import ValidationError

from exporter.errors import FetchError, Reason
from exporter.platforms import load
from exporter.platforms.alibaba_flink import Settings
from exporter.source import CallCost
from tests.platforms.alibaba_deployments import (
    deployment,
    envelope,
    failure,
    inventory,
    listing,
    states,
)
from tests.vendors.alibaba_sources import Server, refusal
from tests.virtual_time import EPOCH


def test_requests_carry_the_documented_headers() -> None:
    server = Server({listing(): envelope([])})
    inventory(server)
    headers = server.requests[0].headers
    assert server.requests[0].url.host == "ververica.cn-hangzhou.aliyuncs.com"
    assert (headers["accept"], headers["workspace"]) == ("application/json", "w1")
    assert (headers["x-acs-action"], headers["x-acs-version"]) == ("ListDeployments", "2022-07-18")


def test_states_without_a_doubt_cost_the_listing_alone() -> None:
    server = Server({listing(): envelope([deployment(running=1), deployment(2, failed=3)])})
    found = inventory(server)
    assert states(found) == {"d-1": "RUNNING", "d-2": "FAILED"}
    assert server.asked == [listing()]
    assert {job.observed_timestamp for job in found.jobs} == {EPOCH}


def test_doubt_is_settled_by_listing_one_status_at_a_time() -> None:
    stopped, failed = deployment(1, cancelled=1, failed=1), deployment(2, cancelled=1, failed=1)
    server = Server(
        {
            listing(): envelope([stopped, failed, deployment(3, running=1, failed=2, finished=1)]),
            listing(more="status=CANCELLED"): envelope([stopped]),
            listing(more="status=FAILED"): envelope([failed]),
        }
    )
    assert states(inventory(server)) == {"d-1": "CANCELLED", "d-2": "FAILED", "d-3": "RUNNING"}
    assert len(server.asked) == 3


def test_deployment_that_started_meanwhile_shows_its_newer_row() -> None:
    doubtful = deployment(1, cancelled=1, failed=1)
    server = Server(
        {
            listing(): envelope([doubtful]),
            listing(more="status=CANCELLED"): envelope(
                [deployment(1, cancelled=1, failed=1, starting=1), deployment(9, cancelled=1)]
            ),
        }
    )
    assert states(inventory(server)) == {"d-1": "STARTING"}


def test_server_that_ignores_the_filter_proves_nothing() -> None:
    rows = [deployment(1, cancelled=1, failed=1), deployment(2, failed=1)]
    everything = envelope(rows)
    server = Server({listing(): everything, listing(more="status=CANCELLED"): everything})
    assert states(inventory(server)) == {"d-1": "", "d-2": "FAILED"}


def test_failing_filter_leaves_the_rows_and_an_incomplete_namespace() -> None:
    server = Server(
        {
            listing(): envelope([deployment(1, cancelled=1, failed=1), deployment(2, running=1)]),
            listing(more="status=CANCELLED"): failure("INVALID_PARAMETER"),
        }
    )
    found = inventory(server)
    assert states(found) == {"d-1": "", "d-2": "RUNNING"}
    assert [namespace for namespace, _ in found.incomplete] == ["default"]


def test_success_false_with_status_200_is_a_failure() -> None:
    server = Server({listing(): failure("NAMESPACE_NOT_FOUND")})
    with pytest.raises(FetchError) as caught:
        inventory(server)
    assert (caught.value.reason, caught.value.code) == (Reason.NOT_FOUND, "NAMESPACE_NOT_FOUND")


def test_quoted_empty_error_code_is_a_success() -> None:
    quoted = envelope([deployment(running=1)], errorCode='""', errorMessage='""')
    assert states(inventory(Server({listing(): quoted}))) == {"d-1": "RUNNING"}


def test_one_failing_namespace_hurts_no_other() -> None:
    second = envelope([deployment(running=1)])
    server = Server({listing(): refusal(403, "NoPermission"), listing(namespace="b"): second})
    found = inventory(server, namespaces=["default", "b"])
    assert [job.project for job in found.jobs] == ["b"]
    [(namespace, error)] = found.incomplete
    assert (namespace, error.reason) == ("default", Reason.AUTH)


def one(deployment_id: str, namespace: str = "default") -> str:
    return f"/api/v2/namespaces/{namespace}/deployments/{deployment_id}"


def test_configured_deployments_are_asked_for_directly() -> None:
    server = Server(
        {
            one("d-1"): envelope(deployment(1, running=1)),
            one("d-2"): envelope(deployment(2, cancelled=1, failed=1)),
            one("d-3"): failure("DEPLOYMENT_NOT_FOUND"),
        }
    )
    found = inventory(server, jobs={"ids": ["d-1", "default/d-2", "d-3"]})
    assert states(found) == {"d-1": "RUNNING", "d-2": ""}
    assert found.incomplete == ()
    assert [flaw.place for flaw in found.flaws.unreadable] == ["jobs.ids default/d-3"]


@pytest.mark.parametrize(
    "answer",
    [
        failure("NAMESPACE_NOT_FOUND"),
        envelope(deployment(7, running=1)),
        envelope(None),
        refusal(404, ""),
    ],
)
def test_configured_deployment_that_could_not_be_had_is_incomplete(answer: object) -> None:
    server = Server({one("d-1"): envelope(deployment(1, running=1)), one("d-2"): answer})
    found = inventory(server, jobs={"ids": ["d-1", "d-2"]})
    assert states(found) == {"d-1": "RUNNING"}
    assert [namespace for namespace, _ in found.incomplete] == ["default"]


def settings(**options: Any) -> Settings:
    given = {"name": "s", "platform": "alibaba_flink", "region": "cn-hangzhou", "workspace": "w1"}
    return Settings.model_validate({**given, **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "Field required"),
        ({"namespaces": []}, "expected at least one name"),
        ({"namespaces": ["a"], "workspace": "a b"}, "expected the id of a workspace: up to 64"),
        ({"namespaces": ["a", "b"], "jobs": {"ids": ["d-1"]}}, "place/id"),
        ({"namespaces": ["a"], "region": None}, "region or endpoint is required"),
    ],
)
def test_settings_that_cannot_work_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        settings(**options)


@pytest.mark.parametrize(
    ("options", "jobs", "calls"),
    [
        ({"namespaces": ["a"]}, 0, 4),
        ({"namespaces": ["a", "b"]}, 300, 10),
        ({"namespaces": ["a"], "jobs": {"ids": ["d-1", "d-2"]}}, 2, 2),
    ],
)
def test_cost_counts_pages_and_the_three_filtered_listings(
    options: dict[str, Any], jobs: int, calls: int
) -> None:
    expected = CallCost(per_inventory=calls, per_details=1)
    assert load("alibaba_flink").cost(settings(**options), jobs) == expected
