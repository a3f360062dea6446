"""The operations of Amazon Web Services: the control plane, CloudWatch, STS, and its machines."""

from tests.faults.operations.operation import Operation, Part

_CHANGING = "kinesisanalytics_ever_changing"

AWS = (
    *(
        Operation(
            platform="aws_flink",
            name=name,
            host=host,
            path="/",
            part=part,
            login="aws",
            by_id=by_id,
            also=("kinesisanalytics",) if host == "cloudwatch" else (),
            method="POST",
            target=name,
        )
        for name, host, part, by_id in (
            ("ListApplications", "kinesisanalytics", Part.LISTING, False),
            ("DescribeApplication", "kinesisanalytics", Part.LISTING, True),
            # Once for each change of an application.
            ("DescribeApplication", _CHANGING, Part.DETAILS, False),
            ("ListApplicationOperations", _CHANGING, Part.DETAILS, False),
            ("DescribeApplicationOperation", _CHANGING, Part.DETAILS, False),
            ("GetMetricData", "cloudwatch", Part.MONITORING, False),
        )
    ),
    Operation(
        platform="aws_flink",
        name="ListMetrics",
        host="cloudwatch",
        path="/",
        part=Part.MONITORING,
        login="aws",
        also=("kinesisanalytics",),
        method="POST",
        target="ListMetrics",
        settings="metrics: [input_delay]",
        # Once an hour.
        once=True,
    ),
    *(
        Operation(
            platform="aws_flink",
            name=name,
            host="aws_sts",
            path="/",
            part=Part.LOGIN,
            login=login,
            also=("kinesisanalytics",),
            method="POST",
            surroundings=surroundings,
        )
        for name, login, surroundings in (
            ("AssumeRole", "aws_role", ""),
            ("AssumeRoleWithWebIdentity", "", "aws_pod"),
        )
    ),
    Operation(
        platform="aws_flink",
        name="GetInstanceCredentials",
        host="aws_metadata",
        path="/.*",
        part=Part.METADATA,
        also=("kinesisanalytics",),
        # Version 2 of it may be too many hops away, which version 1 never is.
        asked_in_silence=2,
    ),
    Operation(
        platform="aws_flink",
        name="GetContainerCredentials",
        host="aws_of_containers_metadata",
        path="/v1/credentials",
        part=Part.METADATA,
        also=("kinesisanalytics",),
        surroundings="aws_container",
    ),
)
