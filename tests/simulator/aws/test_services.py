"""The simulated services check what the real ones check, and answer as those are documented."""

import asyncio
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from exporter.simulator.aws import cloudwatch, kinesisanalytics, metadata, sts
from exporter.simulator.aws.access import AwsAccess, AwsKey
from exporter.simulator.aws.signature import Claim, WireRequest, sign
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet, Phase

NOW = 1_704_067_200.0  # 2024-01-01T00:00:00Z
STAMP = "20240101T000000Z"
KEY = AwsKey(key_id="AKIA1", secret="secret")
ROLE = "arn:aws:iam::123456789012:role/reader"
JSON_11 = "application/x-amz-json-1.1"
TARGET = "KinesisAnalytics_20180523.ListApplications"


class Account:
    """One account, at one moment."""

    def __init__(self) -> None:
        self.now = NOW
        self.faults = FaultInjection()
        self.access = AwsAccess(KEY, roles={ROLE: ""}, web_tokens={"token"})
        self.fleet = Fleet(seed=1, started_at=NOW - 9000, jobs=0)
        self.fleet.add("orders", NOW - 8000)
        shared: dict[str, Any] = {
            "faults": self.faults,
            "clock": lambda: self.now,
            "access": self.access,
        }
        self.control = kinesisanalytics.build(fleet=self.fleet, **shared)
        self.metrics = cloudwatch.build(fleet=self.fleet, **shared)
        self.sts = sts.build(**shared)
        self.metadata = metadata.build(**shared)

    def ask(
        self,
        operation: str,
        fields: object,
        app: Starlette | None = None,
        changes: Mapping[str, str] = MappingProxyType({}),
    ) -> httpx.Response:
        """Post one signed call; changes are of headers, after they were signed."""
        of_metrics = app is self.metrics
        target = "GraniteServiceVersion20100801" if of_metrics else "KinesisAnalytics_20180523"
        headers = {
            "host": "h",
            "content-type": "application/x-amz-json-1.0" if of_metrics else JSON_11,
            "x-amz-date": STAMP,
            "x-amz-target": f"{target}.{operation}",
        }
        body = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
        service = "monitoring" if of_metrics else "kinesisanalytics"
        signed = signed_headers(headers, body, service)
        signed |= {name.replace("_", "-"): value for name, value in changes.items()}
        return send(app or self.control, signed, body)

    def form(self, fields: Mapping[str, str], *, signed: bool = True) -> httpx.Response:
        """Post a form to STS."""
        body = "&".join(f"{name}={value}" for name, value in fields.items()).encode()
        headers = {
            "host": "h",
            "content-type": "application/x-www-form-urlencoded",
            "x-amz-date": STAMP,
        }
        return send(self.sts, signed_headers(headers, body, "sts") if signed else headers, body)


def signed_headers(headers: dict[str, str], body: bytes, service: str) -> dict[str, str]:
    names = tuple(sorted(headers))
    claim = Claim(
        access_key=KEY.key_id,
        date=STAMP[:8],
        region="eu-west-1",
        service=service,
        signed_headers=names,
        signature="",
    )
    wire = WireRequest(method="POST", raw_path=b"/", raw_query=b"", headers=headers, body=body)
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={KEY.key_id}/{STAMP[:8]}/eu-west-1/{service}/aws4_request, "
        f"SignedHeaders={';'.join(names)}, Signature={sign(wire, claim, KEY.secret)}"
    )
    return {**headers, "authorization": authorization}


def send(
    app: Starlette,
    headers: dict[str, str],
    body: bytes = b"",
    method: str = "POST",
    path: str = "/",
) -> httpx.Response:
    async def play() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://h") as client:
            return await client.request(method, path, headers=headers, content=body)

    return asyncio.run(play())


@pytest.fixture
def account() -> Account:
    return Account()


def _code(response: httpx.Response) -> str:
    code: str = response.json()["__type"]
    return code


def test_signed_call_is_answered_with_numbers_for_times(account: Account) -> None:
    rows = account.ask("ListApplications", {"Limit": 50}).json()["ApplicationSummaries"]
    assert {row["ApplicationName"] for row in rows} == {"orders", "exploration", "legacy-counts"}
    described = account.ask("DescribeApplication", {"ApplicationName": "orders"}).json()
    assert described["ApplicationDetail"]["CreateTimestamp"] == NOW - 8000


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"authorization": ""}, "IncompleteSignatureException"),
        ({"x_amz_target": "KinesisAnalytics_20180523.Nothing"}, "UnknownOperationException"),
        ({"x_amz_target": "Other.ListApplications"}, "UnknownOperationException"),
        ({"content_type": "application/json"}, "UnknownOperationException"),
        ({"x_amz_date": "20240101T000001Z"}, "InvalidSignatureException"),
        ({"x_amz_date": "yesterday"}, "InvalidSignatureException"),
        ({"x_amz_security_token": "t"}, "UnrecognizedClientException"),
        ({"x_amz_note": "unsigned"}, "InvalidSignatureException"),
    ],
)
def test_call_that_is_not_as_it_was_signed_is_refused(
    account: Account, changes: dict[str, str], code: str
) -> None:
    assert _code(account.ask("ListApplications", {}, changes=changes)) == code


def test_call_without_a_signature_is_refused(account: Account) -> None:
    headers = {"content-type": JSON_11, "x-amz-target": TARGET}
    response = send(account.control, headers, b"{}")
    assert (response.status_code, _code(response)) == (403, "MissingAuthenticationTokenException")


@pytest.mark.parametrize(("shift", "word"), [(400, "expired"), (-400, "not yet current")])
def test_clock_that_is_wrong_is_told(account: Account, shift: float, word: str) -> None:
    account.now += shift
    response = account.ask("ListApplications", {})
    assert _code(response) == "InvalidSignatureException"
    assert word in response.json()["message"]


def test_signature_for_another_service_is_refused(account: Account) -> None:
    headers = {"host": "h", "content-type": JSON_11, "x-amz-date": STAMP, "x-amz-target": TARGET}
    response = send(account.control, signed_headers(headers, b"{}", "monitoring"), b"{}")
    assert "correct service" in response.json()["message"]


@pytest.mark.parametrize(
    ("operation", "fields", "code"),
    [
        ("ListApplications", {"Limit": 51}, "InvalidArgumentException"),
        ("ListApplications", {"Limit": True}, "InvalidArgumentException"),
        ("ListApplications", b"[]", "SerializationException"),
        ("ListApplications", b"{", "SerializationException"),
        ("DescribeApplication", {}, "InvalidArgumentException"),
        ("DescribeApplication", {"ApplicationName": "a/b"}, "InvalidArgumentException"),
        ("DescribeApplication", {"ApplicationName": "none"}, "ResourceNotFoundException"),
        (
            "ListApplicationOperations",
            {"ApplicationName": "legacy-counts"},
            "UnsupportedOperationException",
        ),
        (
            "ListApplicationOperations",
            {"ApplicationName": "orders", "NextToken": "x"},
            "InvalidArgumentException",
        ),
        (
            "DescribeApplicationOperation",
            {"ApplicationName": "orders", "OperationId": "none"},
            "ResourceNotFoundException",
        ),
    ],
)
def test_parameters_are_checked(
    account: Account, operation: str, fields: object, code: str
) -> None:
    assert _code(account.ask(operation, fields)) == code


def test_pages_follow_each_other_by_name(account: Account) -> None:
    first = account.ask("ListApplications", {"Limit": 2}).json()
    assert first["NextToken"] == "legacy-counts"
    rest = account.ask("ListApplications", {"Limit": 2, "NextToken": first["NextToken"]}).json()
    assert [row["ApplicationName"] for row in rest["ApplicationSummaries"]] == ["orders"]
    assert "NextToken" not in rest


def test_operations_have_pages(account: Account) -> None:
    account.fleet.set_phase("orders", Phase.STOPPED, NOW - 10)
    fields = {"ApplicationName": "orders", "Limit": 1}
    first = account.ask("ListApplicationOperations", fields).json()
    second = account.ask("ListApplicationOperations", {**fields, "NextToken": "1"}).json()
    names = [page["ApplicationOperationInfoList"][0]["Operation"] for page in (first, second)]
    assert names == ["StopApplication", "StartApplication"]


def test_what_no_policy_allows_is_named(account: Account) -> None:
    account.access.denied.add("kinesisanalytics:ListApplications")
    response = account.ask("ListApplications", {})
    assert _code(response) == "AccessDeniedException"
    assert "perform: kinesisanalytics:ListApplications" in response.json()["message"]


def test_throttling_has_the_status_of_any_refusal(account: Account) -> None:
    account.faults.throttling = True
    response = account.ask("ListApplications", {})
    assert (response.status_code, _code(response)) == (400, "ThrottlingException")
    assert "retry-after" not in response.headers
    account.faults.throttling, account.faults.outage = False, True
    assert account.ask("ListApplications", {}).status_code == 503


def _query(name: str, query_id: str = "q0", **dimensions: str) -> dict[str, Any]:
    pairs = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    metric = {"Namespace": "AWS/KinesisAnalytics", "MetricName": name, "Dimensions": pairs}
    return {"Id": query_id, "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}}


def _metrics(account: Account, *queries: object, start: float = NOW - 300) -> httpx.Response:
    fields = {"MetricDataQueries": list(queries), "StartTime": start, "EndTime": NOW}
    return account.ask("GetMetricData", fields, account.metrics)


def test_points_come_a_minute_late_the_newest_first(account: Account) -> None:
    (result,) = _metrics(account, _query("uptime", Application="orders")).json()[
        "MetricDataResults"
    ]
    assert result["Timestamps"] == [NOW - 120, NOW - 180, NOW - 240, NOW - 300]
    assert result["StatusCode"] == "Complete"


def test_metric_with_other_dimensions_is_another_one_without_data(account: Account) -> None:
    results = _metrics(account, _query("uptime", Application="orders", Id="1"), _query("x", "q1"))
    assert all(each["Values"] == [] for each in results.json()["MetricDataResults"])


@pytest.mark.parametrize(
    "queries", [[], [_query("uptime")] * 501, [_query("uptime", "Q0")], [{"Id": "q0"}]]
)
def test_queries_are_checked(account: Account, queries: list[object]) -> None:
    assert _metrics(account, *queries).status_code == 400


def test_window_is_checked(account: Account) -> None:
    response = _metrics(account, _query("uptime", Application="orders"), start=NOW + 1)
    assert _code(response) == "ValidationError"
    sums = _query("uptime", Application="orders")
    sums["MetricStat"]["Stat"] = "Sum"
    assert _code(_metrics(account, sums)) == "ValidationError"


def test_streams_are_listed_for_one_metric_alone(account: Account) -> None:
    fields = {"Namespace": "AWS/KinesisAnalytics", "MetricName": "uptime"}
    assert account.ask("ListMetrics", fields, account.metrics).json() == {"Metrics": []}


ASSUME = {"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": ROLE}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({**ASSUME, "RoleSessionName": "x"}, "ValidationError"),
        ({**ASSUME, "RoleSessionName": "me", "DurationSeconds": "60"}, "ValidationError"),
        ({**ASSUME, "RoleSessionName": "me", "ExternalId": "x"}, "AccessDenied"),
        ({**ASSUME, "RoleArn": "other"}, "AccessDenied"),
        ({**ASSUME, "Version": "2010"}, "InvalidAction"),
        ({**ASSUME, "Action": "Other"}, "InvalidAction"),
        (
            {**ASSUME, "Action": "AssumeRoleWithWebIdentity", "WebIdentityToken": "x"},
            "InvalidIdentityToken",
        ),
        (
            {
                **ASSUME,
                "Action": "AssumeRoleWithWebIdentity",
                "WebIdentityToken": "token",
                "RoleArn": "other",
            },
            "AccessDenied",
        ),
    ],
)
def test_sts_says_no_in_xml(account: Account, fields: dict[str, str], code: str) -> None:
    response = account.form(fields)
    assert f"<Code>{code}</Code>" in response.text
    assert response.headers["content-type"].startswith("text/xml")


def test_sts_wants_a_form_and_a_signature(account: Account) -> None:
    assert "MissingAuthenticationToken" in account.form(ASSUME, signed=False).text
    headers = {"host": "h", "content-type": "application/json", "x-amz-date": STAMP}
    assert "MissingAction" in send(account.sts, headers, b"Action=AssumeRole").text
    account.faults.outage = True
    assert account.form(ASSUME).status_code == 503
    account.faults.outage, account.faults.throttling = False, True
    assert "<Code>Throttling</Code>" in account.form(ASSUME).text


def test_temporary_key_ends(account: Account) -> None:
    key = account.access.issue(expires_at=NOW)
    headers = {"host": "h", "authorization": "", "x-amz-security-token": key.session_token}
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={key.key_id}/20240101/eu-west-1/sts/aws4_request, "
        f"SignedHeaders=host, Signature={'0' * 64}"
    )
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    headers["content-type"] = "application/x-www-form-urlencoded"
    assert "ExpiredToken" in send(account.sts, headers, body).text


def test_metadata_want_a_session(account: Account) -> None:
    path = "/latest/meta-data/iam/security-credentials/"
    assert send(account.metadata, {}, method="GET", path=path).status_code == 401
    bare = send(account.metadata, {}, method="PUT", path="/latest/api/token")
    assert bare.status_code == 400
    ttl = {"x-aws-ec2-metadata-token-ttl-seconds": "60"}
    token = send(account.metadata, ttl, method="PUT", path="/latest/api/token").text
    session = {"x-aws-ec2-metadata-token": token}
    assert send(account.metadata, session, method="GET", path=path).text == "exporter"
    other = send(account.metadata, session, method="GET", path=f"{path}other")
    assert other.status_code == 404
    first, second = (
        send(account.metadata, session, method="GET", path=f"{path}exporter").json()
        for _ in range(2)
    )
    assert first == second
    account.now += 61
    assert send(account.metadata, session, method="GET", path=path).status_code == 401
