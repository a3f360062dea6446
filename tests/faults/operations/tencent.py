"""The operations of Tencent Cloud: Oceanus, Cloud Monitor, its STS, and its machines."""

from tests.faults.operations.operation import Operation, Part

_STEPS = 9
"""As many metrics are asked for."""

TENCENT = (
    *(
        Operation(
            platform="tencent_oceanus",
            name=name,
            host=host,
            path="/",
            part=part,
            login="tencent",
            by_id=by_id,
            once=once,
            steps=_STEPS,
            also=("oceanus",) if host == "monitor" else ("monitor",),
            method="POST",
            target=name,
        )
        for name, host, part, by_id, once in (
            ("DescribeJobs", "oceanus", Part.LISTING, False, False),
            ("DescribeJobs", "oceanus", Part.LISTING, True, False),
            # Every five minutes, where no work spaces are named.
            ("DescribeWorkSpaces", "oceanus", Part.LISTING, False, True),
            # About a job that failed and does not say why.
            ("DescribeJobEvents", "oceanus_ever_changing", Part.DETAILS, False, False),
            ("GetMonitorData", "monitor", Part.MONITORING, False, False),
        )
    ),
    Operation(
        platform="tencent_oceanus",
        name="GetSecurityCredentials",
        host="tencent_metadata",
        path="/.*",
        part=Part.METADATA,
        steps=_STEPS,
        also=("oceanus", "monitor"),
        method="POST",
    ),
    Operation(
        platform="tencent_oceanus",
        name="AssumeRole",
        host="tencent_sts",
        path="/",
        part=Part.LOGIN,
        login="tencent_role",
        also=("oceanus", "monitor"),
        method="POST",
        target="AssumeRole",
        settings="sts_endpoint: '<tencent_sts>'",
    ),
    Operation(
        platform="tencent_oceanus",
        name="AssumeRoleWithWebIdentity",
        host="tencent_sts",
        path="/",
        part=Part.LOGIN,
        also=("oceanus", "monitor"),
        method="POST",
        settings="sts_endpoint: '<tencent_sts>'",
        surroundings="tencent_pod",
    ),
)
