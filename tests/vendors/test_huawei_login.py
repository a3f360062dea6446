"""A source of Huawei Cloud knows its endpoint, checks its settings and logs in."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from exporter.errors import FetchError, Reason
from exporter.platforms import huawei_dli
from exporter.vendors.huawei import dataarts_endpoint, dli_endpoint, iam_endpoint
from tests.vendors.huawei_sources import AUTH, PROJECT, Server, with_source

EMPTY = {"is_success": "true", "job_list": {"total_count": 0, "jobs": []}}
LIST = f"/v1.0/{PROJECT}/streaming/jobs?limit=100&offset=0&order=asc&show_detail=false"
METADATA = "169.254.169.254"


class TestEndpoints:
    @pytest.mark.parametrize(
        ("endpoint", "expected"),
        [
            (dli_endpoint("cn-north-4"), "https://dli.cn-north-4.myhuaweicloud.com"),
            (dli_endpoint("eu-west-101"), "https://dli.eu-west-101.myhuaweicloud.eu"),
            (dataarts_endpoint("cn-north-4"), "https://dayu-dlf.cn-north-4.myhuaweicloud.com"),
            (dataarts_endpoint("cn-east-4"), "https://dayu.cn-east-4.myhuaweicloud.com"),
            (dataarts_endpoint("eu-west-101"), "https://dayu-dlf.eu-west-101.myhuaweicloud.eu"),
            (iam_endpoint("cn-north-4"), "https://iam.cn-north-4.myhuaweicloud.com"),
            (iam_endpoint("eu-west-101"), "https://iam.eu-west-101.myhuaweicloud.eu"),
            (iam_endpoint(None), "https://iam.myhuaweicloud.com"),
        ],
    )
    def test_endpoints_follow_the_region_with_the_documented_exceptions(
        self, endpoint: str, expected: str
    ) -> None:
        assert endpoint == expected


class TestSettings:
    @staticmethod
    def problems(**given: Any) -> list[str]:
        settings = {"name": "s", "platform": "huawei_dli", "region": "cn-north-4", **given}
        with pytest.raises(ValidationError) as caught:
            huawei_dli.Settings.model_validate(
                {key: value for key, value in settings.items() if value is not None}
            )
        return [error["msg"] for error in caught.value.errors()]

    def test_region_or_endpoint_is_required(self) -> None:
        assert self.problems(region=None, project_id="p") == ["region or endpoint is required"]

    def test_project_id_is_required(self) -> None:
        assert self.problems() == ["Field required"]

    @pytest.mark.parametrize("region", ["cn-north-4.evil.example", "cn north", "https://x", "cn"])
    def test_region_cannot_become_another_host(self, region: str) -> None:
        assert len(self.problems(region=region, project_id="p")) == 1

    @pytest.mark.parametrize("project_id", ["", "a/b", "..", "a b"])
    def test_project_id_cannot_become_another_path(self, project_id: str) -> None:
        assert len(self.problems(project_id=project_id)) == 1

    @pytest.mark.parametrize("job_id", ["", ".", ".."])
    def test_id_that_is_no_part_of_a_path_is_refused(self, job_id: str) -> None:
        problems = self.problems(project_id="p", jobs={"ids": [job_id]})
        assert problems == [f"jobs.ids: {job_id!r} is no job"]


class TestLogin:
    @staticmethod
    def requests(
        answer: Callable[[httpx.Request], httpx.Response], **settings: Any
    ) -> list[httpx.Request]:
        server = Server({LIST: lambda request: EMPTY})
        seen = []

        def handler(request: httpx.Request) -> httpx.Response:
            if request.url.path.startswith("/v1.0/"):
                return server(request)
            seen.append(request)
            return answer(request)

        with_source(
            huawei_dli.PLATFORM, handler, lambda source: source.fetch_inventory(), **settings
        )
        return [*seen, *server.requests]

    @staticmethod
    def nothing(request: httpx.Request) -> httpx.Response:
        raise AssertionError(f"not expected: {request.url}")

    def test_requests_are_signed_with_the_configured_key(self) -> None:
        (request,) = self.requests(self.nothing)
        authorization = request.headers["Authorization"]
        assert authorization.startswith("SDK-HMAC-SHA256 Access=AK, SignedHeaders=")
        assert request.url.host == "dli.cn-north-4.myhuaweicloud.com"
        assert request.headers["X-Project-Id"] == PROJECT
        assert request.headers["X-Language"] == "en-us"
        assert request.headers["Content-Type"] == "application/json"

    def test_temporary_keys_carry_their_token(self) -> None:
        (request,) = self.requests(self.nothing, auth={**AUTH, "security_token": "T"})
        assert request.headers["X-Security-Token"] == "T"

    def test_configured_endpoint_wins_over_the_region(self) -> None:
        (request,) = self.requests(self.nothing, endpoint="https://dli.example.com:8443/")
        assert str(request.url) == f"https://dli.example.com:8443{LIST}"

    def test_iam_user_logs_in_once_for_the_project(self) -> None:
        def login(request: httpx.Request) -> httpx.Response:
            body = {"token": {"expires_at": "2030-01-01T00:00:00.000000Z"}}
            return httpx.Response(201, headers={"X-Subject-Token": "TOKEN"}, json=body)

        iam = {
            "endpoint": "https://iam.example.com",
            "username": "u",
            "password": "p",
            "domain": "d",
        }
        first, second = self.requests(login, auth={"iam": iam})
        assert str(first.url) == "https://iam.example.com/v3/auth/tokens?nocatalog=true"
        assert json.loads(first.content)["auth"]["scope"] == {"project": {"id": PROJECT}}
        assert second.headers["X-Auth-Token"] == "TOKEN"
        assert "Authorization" not in second.headers

    def test_environment_serves_where_nothing_is_configured(self) -> None:
        server = Server({LIST: EMPTY})
        with_source(
            huawei_dli.PLATFORM,
            server,
            lambda source: source.fetch_inventory(),
            auth=None,
            environ={"HUAWEICLOUD_SDK_AK": "FROM_ENV", "HUAWEICLOUD_SDK_SK": "SK"},
        )
        assert "Access=FROM_ENV," in server.requests[0].headers["Authorization"]

    def test_metadata_serves_where_nothing_else_does(self) -> None:
        credential = {
            "access": "TEMPORARY",
            "secret": "SK",
            "securitytoken": "T",
            "expires_at": "2030-01-01T00:00:00.000000Z",
        }

        def metadata(request: httpx.Request) -> httpx.Response:
            assert request.url.host == METADATA
            if request.method == "PUT":
                return httpx.Response(404)
            return httpx.Response(200, json={"credential": credential})

        *_, request = self.requests(metadata, auth=None)
        assert "Access=TEMPORARY," in request.headers["Authorization"]
        assert request.headers["X-Security-Token"] == "T"

    def test_no_credentials_anywhere_is_an_auth_failure(self) -> None:
        with pytest.raises(FetchError, match="no credentials found") as caught:
            self.requests(lambda request: httpx.Response(404), auth=None)
        assert caught.value.reason is Reason.AUTH

    def test_refused_key_is_spared_before_it_is_locked(self) -> None:
        """More than five rejections in a row lock a key for five minutes."""
        refusal = (401, {"error_code": "APIG.0301", "error_msg": "verify aksk signature fail"})
        server = Server({LIST: refusal})

        async def poll_often(source: huawei_dli.DliSource) -> list[FetchError]:
            errors = []
            for _ in range(10):
                with pytest.raises(FetchError) as caught:
                    await source.fetch_inventory()
                errors.append(caught.value)
            return errors

        errors = with_source(huawei_dli.PLATFORM, server, poll_often)
        assert {error.reason for error in errors} == {Reason.AUTH}
        assert len(server.requests) == 3
