"""Every operation that the exporter calls at a platform, and how to make it call them.

A row is one operation of one platform: the host it is asked of, what its requests look like, what
fails with it, and how often one poll asks when each question is answered once.
"""

from exporter.simulator.clouds import NAMESPACE, PROJECT_ID
from tests.faults.operations.alibaba import ALIBABA
from tests.faults.operations.aws import AWS
from tests.faults.operations.operation import Operation, Part
from tests.faults.operations.tencent import TENCENT

__all__ = ["OPERATIONS", "Operation", "Part"]

_DLI_JOBS = rf"/v1.0/{PROJECT_ID}/streaming/jobs"
_DATAARTS_JOBS = rf"/v1/{PROJECT_ID}/jobs"
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
        platform="huawei_dli",
        name="BatchListMetricData",
        host="cloud_eye",
        path=f"/V1.0/{PROJECT_ID}/batch-query-metric-data",
        part=Part.MONITORING,
        login="huawei_cloud_eye",
        also=("dli",),
        method="POST",
        beside=20.0,
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
    *ALIBABA,
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
    # Asked only while metrics stand still.
    Operation(
        platform="apache_flink",
        name="/jobs/:jobid/vertices/:vertexid",
        host="flink_standing_still",
        path=f"{_FLINK_JOB}/vertices/[0-9a-f]{{32}}",
        part=Part.DETAILS,
    ),
    *AWS,
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
    *TENCENT,
)
