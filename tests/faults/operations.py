"""Every operation that the exporter calls at a platform, and how to make it call them.

A row is one operation of one platform: the host it is asked of, what its requests look like, what
fails with it, and how often one poll asks when each question is answered once.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qs

from exporter.errors import Reason
from exporter.simulator.clouds import NAMESPACE, PROJECT_ID
from tests.faults.exchange import Asked
from tests.faults.sources import KEYS, PLATFORMS


class Part(StrEnum):
    """What an operation is part of, and so what is seen when it fails."""

    LISTING = "listing"
    """The poll fails: the source is down, its jobs stay as they were."""
    DETAILS = "details"
    """The source stays up: what is known of the job stays, the failure is counted."""
    EXTRA = "extra"
    """Nothing but the extra is missing; counted only when it is refused for good."""
    LOGIN = "login"
    """As for the listing, which cannot be asked for without it."""
    METADATA = "metadata"
    """As for a login; whatever goes wrong there means that there are no credentials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation; with `by_id` the source asks for one job by its id instead of listing."""

    platform: str
    name: str
    """As the vendor and `streaming_exporter_api_requests_total` call it."""
    host: str
    path: str
    part: Part
    login: str = ""
    by_id: bool = False
    asked: int = 1
    """Requests of one poll, if each is sent once and fails for good."""
    also: tuple[str, ...] = field(default=())
    """Other hosts that the scenario needs."""
    method: str = "GET"
    target: str = ""
    """What the header X-Amz-Target ends in, where that names the operation."""
    question: str = ""
    """What is asked of Flink, where that is asked through a proxy that has one path."""
    in_a_pod: bool = False
    """Whether the exporter has the token of a pod, which is what it logs in with."""

    @property
    def vendor(self) -> str:
        """Return in whose words it is answered."""
        if self.platform == "flink_operator":
            return "apache" if self.host == "managers" else "kubernetes"
        return self.platform.partition("_")[0]

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return the hosts of the scenario."""
        return (self.host, *self.also, "bystander")

    def asked_in_spite_of(self, reason: Reason | None) -> int:
        """Return how many requests of one poll are sent: none after a listing has timed out."""
        stops = reason is Reason.TIMEOUT and self.part is Part.LISTING
        return 1 if stops else self.asked

    def matches(self, asked: Asked) -> bool:
        """Say whether a request is one of this operation."""
        if re.fullmatch(self.path, asked.path) is None:
            return False
        if self.question:
            given = parse_qs(asked.target.partition("?")[2]).get("flinkApiPath", [""])[0]
            return re.fullmatch(self.question, given.partition("?")[0]) is not None
        return not self.target or asked.header("x-amz-target").endswith(f".{self.target}")

    def source(self, addresses: Mapping[str, str]) -> str:
        """Return the settings of a source that calls this operation, whose hosts are there."""
        settings = [PLATFORMS[self.platform]]
        settings += [KEYS[self.login]] if self.login else []
        text = ", ".join(settings)
        if self.host == "cloudwatch":
            asked = "cloudwatch_endpoint: '<cloudwatch>', metrics_interval: 1s"
            text = text.replace("metrics_interval: 0", asked)
        if "aws_sts" not in addresses:
            text = text.replace("sts_endpoint: '<aws_sts>', ", "")
        for host, address in addresses.items():
            text = text.replace(f"<{host.removesuffix('_in_part')}>", address)
        return text

    def __str__(self) -> str:
        name = self.name.replace("/", ".").replace(":", "").strip(".")
        return f"{self.platform}-{name}" + ("-by-id" if self.by_id else "")


_DLI_JOBS = rf"/v1.0/{PROJECT_ID}/streaming/jobs"
_DATAARTS_JOBS = rf"/v1/{PROJECT_ID}/jobs"
_FOAS = "/api/v2/projects/project1"
_VERVERICA = "/api/v2/namespaces/default"
_FLINK_JOB = "/jobs/[0-9a-f]{32}"
_OPERATOR = f"/apis/flink.apache.org/v1beta1/namespaces/{NAMESPACE}"
_LOGIN = "KeystoneCreateUserTokenByPassword"
_CONNECT_STATUS = "/connectors/{name}/status"


OPERATIONS = (
    Operation(
        platform="huawei_dli",
        name="ListFlinkJobs",
        host="dli",
        path=_DLI_JOBS,
        part=Part.LISTING,
        login="huawei",
    ),
    Operation(
        platform="huawei_dli",
        name="ShowFlinkJob",
        host="dli",
        path=rf"{_DLI_JOBS}/\d+",
        part=Part.DETAILS,
        login="huawei",
    ),
    Operation(
        platform="huawei_dli",
        name="ShowFlinkJob",
        host="dli",
        path=rf"{_DLI_JOBS}/\d+",
        part=Part.LISTING,
        login="huawei",
        by_id=True,
    ),
    Operation(
        platform="huawei_dli",
        name="ShowFlinkJobExecutionGraph",
        host="dli",
        path=rf"{_DLI_JOBS}/\d+/execute-graph",
        part=Part.DETAILS,
        login="huawei",
    ),
    Operation(
        platform="huawei_dli",
        name=_LOGIN,
        host="iam",
        path="/v3/auth/tokens",
        part=Part.LOGIN,
        login="huawei_login",
        also=("dli",),
        method="POST",
    ),
    Operation(
        platform="huawei_dli",
        name="AssumeAgency",
        host="sts",
        path="/v5/agencies/assume",
        part=Part.LOGIN,
        login="huawei_agency",
        also=("dli",),
        method="POST",
    ),
    Operation(
        platform="huawei_dli",
        name="GetSecurityKey",
        host="huawei_metadata",
        path="/.*",
        part=Part.METADATA,
        also=("dli",),
    ),
    Operation(
        platform="huawei_dataarts",
        name="ListJobs",
        host="dataarts",
        path=_DATAARTS_JOBS,
        part=Part.LISTING,
        login="huawei",
    ),
    Operation(
        platform="huawei_dataarts",
        name="ShowJobStatus",
        host="dataarts",
        path=f"{_DATAARTS_JOBS}/[^/]+/status",
        part=Part.DETAILS,
        login="huawei",
        # Rows do not say how a job is, so each is asked for.
        asked=2,
    ),
    Operation(
        platform="huawei_dataarts",
        name="ShowJobStatus",
        host="dataarts",
        path=f"{_DATAARTS_JOBS}/[^/]+/status",
        part=Part.LISTING,
        login="huawei",
        by_id=True,
    ),
    Operation(
        platform="huawei_dataarts",
        name=_LOGIN,
        host="iam",
        path="/v3/auth/tokens",
        part=Part.LOGIN,
        login="huawei_login",
        also=("dataarts",),
        method="POST",
    ),
    Operation(
        platform="huawei_dataarts",
        name="GetSecurityKey",
        host="huawei_metadata",
        path="/.*",
        part=Part.METADATA,
        also=("dataarts",),
    ),
    Operation(
        platform="alibaba_blink",
        name="ListInstance",
        host="foas",
        path=f"{_FOAS}/instances",
        part=Part.LISTING,
        login="alibaba",
        # One for the streams and one for the batch jobs.
        asked=2,
    ),
    Operation(
        platform="alibaba_blink",
        name="BatchGetInstanceRunSummary",
        host="foas",
        path=f"{_FOAS}/runsummary",
        part=Part.LISTING,
        login="alibaba",
        by_id=True,
    ),
    Operation(
        platform="alibaba_blink",
        name="GetInstance",
        host="foas",
        path=f"{_FOAS}/jobs/[^/]+/instances/[^/]+",
        part=Part.DETAILS,
        login="alibaba",
        by_id=True,
    ),
    Operation(
        platform="alibaba_blink",
        name="GetSecurityCredentials",
        host="alibaba_metadata",
        path="/.*",
        part=Part.METADATA,
        also=("foas",),
        asked=2,
    ),
    Operation(
        platform="alibaba_blink",
        name="AssumeRole",
        host="alibaba_sts",
        path="/",
        part=Part.LOGIN,
        login="alibaba_role_streams",
        also=("foas",),
        method="POST",
    ),
    Operation(
        platform="alibaba_flink",
        name="ListDeployments",
        host="ververica",
        path=f"{_VERVERICA}/deployments",
        part=Part.LISTING,
        login="alibaba",
    ),
    Operation(
        platform="alibaba_flink",
        name="GetDeployment",
        host="ververica",
        path=f"{_VERVERICA}/deployments/[^/]+",
        part=Part.LISTING,
        login="alibaba",
        by_id=True,
    ),
    Operation(
        platform="alibaba_flink",
        name="ListJobs",
        host="ververica",
        path=f"{_VERVERICA}/jobs",
        part=Part.DETAILS,
        login="alibaba",
    ),
    *(
        Operation(
            platform="alibaba_flink",
            name=f"FlinkApiProxy {name}",
            host="ververica",
            path="/flink-ui/v2/proxy",
            question=question,
            part=Part.DETAILS,
            login="alibaba_proxy",
        )
        for name, question in (
            ("/jobs/:jobid", _FLINK_JOB),
            ("/jobs/:jobid/metrics", f"{_FLINK_JOB}/metrics"),
            ("/jobs/:jobid/checkpoints", f"{_FLINK_JOB}/checkpoints"),
        )
    ),
    Operation(
        platform="alibaba_flink",
        name="GetSecurityCredentials",
        host="alibaba_metadata",
        path="/.*",
        part=Part.METADATA,
        also=("ververica",),
    ),
    Operation(
        platform="alibaba_flink",
        name="AssumeRole",
        host="alibaba_sts",
        path="/",
        part=Part.LOGIN,
        login="alibaba_role",
        also=("ververica",),
        method="POST",
    ),
    Operation(
        platform="alibaba_flink",
        name="AssumeRoleWithOIDC",
        host="alibaba_sts",
        path="/",
        part=Part.LOGIN,
        login="alibaba_pod",
        also=("ververica",),
        method="POST",
        in_a_pod=True,
    ),
    Operation(
        platform="apache_flink",
        name="/jobs/overview",
        host="flink",
        path="/jobs/overview",
        part=Part.LISTING,
    ),
    Operation(
        platform="apache_flink",
        name="/config",
        host="flink",
        path="/config",
        part=Part.EXTRA,
    ),
    Operation(
        platform="apache_flink",
        name="/jobs/:jobid",
        host="flink",
        path=_FLINK_JOB,
        part=Part.DETAILS,
    ),
    Operation(
        platform="apache_flink",
        name="/jobs/:jobid",
        host="flink",
        path=_FLINK_JOB,
        part=Part.LISTING,
        by_id=True,
    ),
    Operation(
        platform="apache_flink",
        name="/jobs/:jobid/metrics",
        host="flink",
        path=f"{_FLINK_JOB}/metrics",
        part=Part.DETAILS,
    ),
    Operation(
        platform="apache_flink",
        name="/jobs/:jobid/checkpoints",
        host="flink",
        path=f"{_FLINK_JOB}/checkpoints",
        part=Part.DETAILS,
    ),
    Operation(
        platform="apache_flink",
        name="/jobs/:jobid/exceptions",
        host="flink",
        path=f"{_FLINK_JOB}/exceptions",
        part=Part.DETAILS,
    ),
    Operation(
        platform="apache_flink",
        name="/jobs/:jobid/vertices/:vertexid/subtasks/metrics",
        host="flink",
        path=f"{_FLINK_JOB}/vertices/[0-9a-f]{{32}}/subtasks/metrics",
        part=Part.DETAILS,
        # The source of a job, and its sink.
        asked=2,
    ),
    # Asked only where some subtasks of a vertex know of no event time.
    Operation(
        platform="apache_flink",
        name="/jobs/:jobid/vertices/:vertexid/metrics",
        host="flink",
        path=f"{_FLINK_JOB}/vertices/[0-9a-f]{{32}}/metrics",
        part=Part.DETAILS,
    ),
    *(
        Operation(
            platform="aws_flink",
            name=name,
            host=host,
            path="/.*" if part is Part.METADATA else "/",
            part=part,
            login=login,
            by_id=by_id,
            also=() if host == "kinesisanalytics" else ("kinesisanalytics",),
            method="POST",
            target=name if login == "aws" else "",
        )
        for name, host, part, login, by_id in (
            ("ListApplications", "kinesisanalytics", Part.LISTING, "aws", False),
            ("DescribeApplication", "kinesisanalytics", Part.LISTING, "aws", True),
            ("GetMetricData", "cloudwatch", Part.DETAILS, "aws", False),
            ("AssumeRole", "aws_sts", Part.LOGIN, "aws_role", False),
            ("GetInstanceCredentials", "aws_metadata", Part.METADATA, "", False),
        )
    ),
    Operation(
        platform="flink_operator",
        name="list flinkdeployments.flink.apache.org",
        host="kubernetes",
        path=f"{_OPERATOR}/flinkdeployments",
        part=Part.LISTING,
        also=("managers",),
    ),
    Operation(
        platform="flink_operator",
        name="get flinkdeployments.flink.apache.org",
        host="kubernetes",
        path=f"{_OPERATOR}/flinkdeployments/[^/]+",
        part=Part.LISTING,
        by_id=True,
        also=("managers",),
    ),
    *(
        Operation(
            platform="flink_operator",
            name=name,
            host="managers",
            path=f"/{NAMESPACE}/[^/]+{path}",
            part=Part.DETAILS,
            also=("kubernetes",),
        )
        for name, path in (
            ("/jobs/:jobid", _FLINK_JOB),
            ("/jobs/:jobid/metrics", f"{_FLINK_JOB}/metrics"),
            ("/jobs/:jobid/checkpoints", f"{_FLINK_JOB}/checkpoints"),
            ("/jobs/:jobid/exceptions", f"{_FLINK_JOB}/exceptions"),
        )
    ),
    *(
        Operation(platform="kafka_connect", name=name, host=host, path=path, part=part)
        for name, host, path, part in (
            ("/health", "connect", "/health", Part.LISTING),
            ("/connectors", "connect", "/connectors", Part.LISTING),
            # Asked only of a connector whose state the listing leaves out.
            (_CONNECT_STATUS, "connect_in_part", "/connectors/[^/]+/status", Part.DETAILS),
        )
    ),
)
