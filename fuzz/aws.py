"""Fuzz what reads applications of AWS, what was done to them, and their figures."""

from collections.abc import Iterable, Mapping
from typing import Any

import httpx

from exporter.auth.aws.roles import read_credentials
from exporter.errors import FetchError
from exporter.fields import Flaws
from exporter.model import Job
from exporter.vendors.aws.applications import (
    Description,
    Summary,
    parse_description,
    parse_summaries,
)
from exporter.vendors.aws.cloudwatch import parse_metrics, parse_results
from exporter.vendors.aws.figures import read_figures
from exporter.vendors.aws.jobs import Known, at_rest, job_of
from exporter.vendors.aws.operations import history_of, parse_failure, parse_operations
from fuzz.answers import object_reader
from fuzz.page import NOW, Unsound
from fuzz.target import Form, Target

_SUMMARY = Summary(name="orders", status="READY", version="1", runtime="FLINK-1_20", mode="")
_APPLICATIONS = (
    b'{"ApplicationSummaries": [{"ApplicationName": "orders", "ApplicationARN": "arn:aws:x", '
    b'"ApplicationStatus": "RUNNING", "ApplicationVersionId": 7, "RuntimeEnvironment": '
    b'"FLINK-1_20", "ApplicationMode": "STREAMING"}], "NextToken": "orders"}',
    b'{"ApplicationSummaries": [{"ApplicationName": "a", "ApplicationStatus": "MELTING"}, null]}',
)
_DESCRIPTIONS = (
    b'{"ApplicationDetail": {"ApplicationName": "orders", "CreateTimestamp": 1767323045.5, '
    b'"LastUpdateTimestamp": "2026-01-02T03:04:05Z", "ApplicationConfigurationDescription": '
    b'{"FlinkApplicationConfigurationDescription": {"ParallelismConfigurationDescription": '
    b'{"CurrentParallelism": 9, "Parallelism": 4, "ParallelismPerKPU": 4}}}}}',
    b'{"ApplicationDetail": {"ApplicationName": null}}',
)
_OPERATIONS = (
    b'{"ApplicationOperationInfoList": [{"Operation": "StartApplication", "OperationId": "a", '
    b'"StartTime": 1699999000.5, "EndTime": 1699999100.5, "OperationStatus": "FAILED"}, '
    b'{"Operation": "StopApplication", "OperationId": "b", "StartTime": "1699990000", '
    b'"OperationStatus": "SUCCESSFUL"}], "NextToken": "50"}',
    b'{"ApplicationOperationInfoDetails": {"OperationFailureDetails": {"ErrorInfo": '
    b'{"ErrorString": "org.apache.flink.util.FlinkException: no"}}}}',
)
_RESULTS = (
    b'{"MetricDataResults": [{"Id": "q1", "Timestamps": [1699999980.0, 1699999920], "Values": '
    b'[12000.0, 0], "StatusCode": "Complete"}, {"Id": "q0", "StatusCode": "Forbidden"}]}',
    b'{"Metrics": [{"MetricName": "millisBehindLatest", "Dimensions": [{"Name": "Application", '
    b'"Value": "orders"}, {"Name": "Id", "Value": "1"}]}], "NextToken": "t"}',
)
_NAMES = ("downtime", "fullRestarts", "uptime", "currentOutputWatermark", "lastCheckpointDuration")
_CREDENTIALS = (
    b"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>AK</AccessKeyId>"
    b"<SecretAccessKey>S</SecretAccessKey><SessionToken>T</SessionToken><Expiration>"
    b"2026-01-02T03:04:05Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>",
    b"<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>",
)


def _rows(document: Mapping[str, Any], flaws: Flaws) -> Iterable[Job]:
    summaries, token = parse_summaries(document, flaws)
    if len(token) > 65536:
        raise Unsound("a token has no end")
    found = {each.name: each for each in summaries if each.is_flink}
    return [_shown(each, None, flaws) for each in found.values()]


def _described(document: Mapping[str, Any], flaws: Flaws) -> Iterable[Job]:
    described = parse_description(document, "orders", flaws)
    return [_shown(described.summary, Known(summary=described.summary), flaws, described)]


def _done(document: Mapping[str, Any], flaws: Flaws) -> Iterable[Job]:
    page = parse_operations({"ApplicationOperationInfoList": [], **document}, flaws)
    history = history_of(page.operations, whole=page.whole and not page.token)
    resting = at_rest(_SUMMARY, history, None)
    about_one = {"ApplicationOperationInfoDetails": {"Operation": "StartApplication"}}
    error = parse_failure({**about_one, **document}, flaws)
    known = Known(summary=_SUMMARY, history=history, resting=resting, error_text=error)
    return [_shown(_SUMMARY, known, flaws)]


def _measured(document: Mapping[str, Any], flaws: Flaws) -> Iterable[Job]:
    if len(parse_metrics(document, flaws)) > 10_000:
        raise Unsound("there are streams without end")
    answered = parse_results(document, len(_NAMES))
    points = {_NAMES[place]: [point] for place, point in answered.points.items()}
    job = job_of(
        Summary(name="orders", status="RUNNING", version="1", runtime="", mode=""),
        "eu-west-1",
        known=None,
        figures=read_figures(points),
        observed=NOW,
        flaws=flaws,
    )
    return [job]


def _shown(
    summary: Summary, known: Known | None, flaws: Flaws, described: Description | None = None
) -> Job:
    if known is not None and described is not None:
        known = Known(summary=summary, description=described)
    return job_of(summary, "eu-west-1", known=known, observed=NOW, flaws=flaws)


def _credentials(data: bytes) -> None:
    try:
        found = read_credentials("AssumeRole", httpx.Response(200, content=data), NOW)
    except FetchError as exc:
        if len(str(exc)) > 300:
            raise Unsound("a refusal is as long as what it is about") from exc
        return
    if len(found.secret_key) > 3 and found.secret_key in repr(found):
        raise Unsound("credentials show their secret")


def targets() -> tuple[Target, ...]:
    """Return a target for each kind of input."""
    answers = (
        ("aws_applications", _rows, (parse_summaries,), _APPLICATIONS),
        ("aws_description", _described, (parse_description,), _DESCRIPTIONS),
        ("aws_operations", _done, (parse_operations, parse_failure), _OPERATIONS),
        ("aws_figures", _measured, (parse_metrics, parse_results), _RESULTS),
    )
    return (
        *(
            Target(
                name=name,
                form=Form.JSON,
                check=object_reader(read),
                covers=covers,
                examples=examples,
            )
            for name, read, covers, examples in answers
        ),
        Target(
            name="aws_credentials",
            form=Form.TEXT,
            check=_credentials,
            covers=(read_credentials,),
            examples=_CREDENTIALS,
        ),
    )
