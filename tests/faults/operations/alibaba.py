"""The operations of Alibaba Cloud: its platforms, its STS, and Flink behind its proxy."""

from tests.faults.operations.operation import Operation, Part

_FOAS = "/api/v2/projects/project1"
_VERVERICA = "/api/v2/namespaces/default"
_FLINK_JOB = "/jobs/[0-9a-f]{32}"

ALIBABA = (
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
        surroundings="alibaba_pod",
    ),
)
