"""Amazon's own boto3 reads the simulated services, and we read moto, an AWS by somebody else."""

import asyncio
import contextlib
import json
import os
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp

from exporter.app import App
from exporter.auth.aws.machine import InstanceProvider
from exporter.auth.aws.sending import SendAs
from exporter.configuration.config import parse
from exporter.files import at_once
from exporter.runtime import Runtime
from exporter.simulator.aws import cloudwatch, kinesisanalytics, sts
from exporter.simulator.aws.access import AwsAccess, AwsKey
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet, Phase
from tests.recording import RecordingLog

ROOT = Path(__file__).parents[3]
INTERPRETER = ROOT / ".venv-oracle" / "aws" / "bin" / "python"
KEY, SECRET = "AKIATESTACCESSKEYID0", "test/secret+access-key"
ROLE = "arn:aws:iam::123456789012:role/reader"
MODEL = "kinesisanalyticsv2"


async def _ask(*cases: dict[str, Any]) -> list[Any]:
    """Return what boto3 makes of some calls."""
    process = await asyncio.create_subprocess_exec(
        INTERPRETER,
        ROOT / "tests" / "oracle" / "aws_client.py",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"]},
    )
    given = "".join(f"{json.dumps(case)}\n" for case in cases).encode()
    said, _ = await process.communicate(given)
    assert process.returncode == 0
    return [json.loads(line) for line in said.splitlines()]


@contextlib.asynccontextmanager
async def _served(app: ASGIApp) -> AsyncIterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, log_level="error", lifespan="off")
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve([listener]))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        await task


def test_boto3_reads_the_simulated_services() -> None:
    now = time.time()
    fleet = Fleet(seed=1, started_at=now - 9000, jobs=0)
    for number in range(60):
        fleet.add(f"job-{number:02}", now - 8000)
    fleet.set_phase("job-03", Phase.FAILED, now - 100)
    fleet.set_phase("job-04", Phase.RESTARTING, now - 300)
    access = AwsAccess(AwsKey(key_id=KEY, secret=SECRET), roles={ROLE: "x1"})
    shared: Any = {"faults": FaultInjection(), "clock": time.time, "access": access}
    login = {"key": KEY, "secret": SECRET}

    async def play() -> list[Any]:
        async with (
            _served(kinesisanalytics.build(fleet=fleet, **shared)) as control,
            _served(cloudwatch.build(fleet=fleet, **shared)) as metrics,
            _served(sts.build(**shared)) as roles,
        ):
            there = {**login, "service": MODEL, "endpoint": control}
            name = {"ApplicationName": "job-03"}
            query = {
                "Id": "q0",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/KinesisAnalytics",
                        "MetricName": "numRestarts",
                        "Dimensions": [{"Name": "Application", "Value": "job-04"}],
                    },
                    "Period": 60,
                    "Stat": "Maximum",
                },
            }
            old = json.loads(json.dumps(query).replace("numRestarts", "fullRestarts"))
            first = await _ask(
                {**there, "operation": "describe_application", "parameters": name},
                {
                    **there,
                    "operation": "list_applications",
                    "parameters": {},
                    "paginate": "ApplicationSummaries",
                },
                {**there, "operation": "list_application_operations", "parameters": name},
                {
                    **there,
                    "operation": "describe_application",
                    "parameters": {"ApplicationName": "none"},
                },
                {
                    **there,
                    "secret": "wrong",
                    "operation": "describe_application",
                    "parameters": name,
                },
                {
                    **login,
                    "service": "cloudwatch",
                    "endpoint": metrics,
                    "operation": "get_metric_data",
                    "parameters": {
                        "MetricDataQueries": [query, {**old, "Id": "q1"}],
                        "StartTime": now // 60 * 60 - 300,
                        "EndTime": now // 60 * 60,
                    },
                },
                {
                    **login,
                    "service": "sts",
                    "endpoint": roles,
                    "operation": "assume_role",
                    "parameters": {
                        "RoleArn": ROLE,
                        "RoleSessionName": "reader",
                        "ExternalId": "x1",
                    },
                },
                {
                    **login,
                    "service": "sts",
                    "endpoint": roles,
                    "operation": "get_caller_identity",
                    "parameters": {},
                },
            )
            failed = first[2]["ApplicationOperationInfoList"][0]
            given = {**name, "OperationId": failed["OperationId"]}
            taken = first[6]["Credentials"]
            return first + await _ask(
                {**there, "operation": "describe_application_operation", "parameters": given},
                {
                    **there,
                    "key": taken["AccessKeyId"],
                    "secret": taken["SecretAccessKey"],
                    "token": taken["SessionToken"],
                    "operation": "describe_application",
                    "parameters": name,
                },
            )

    found = asyncio.run(play())
    described, rows, done, missing, refused, figures, role, who, why, by_role = found
    assert described["ApplicationDetail"]["ApplicationStatus"] == "READY"
    assert described["ApplicationDetail"]["LastUpdateTimestamp"] == pytest.approx(now - 100, abs=1)
    assert len({row["ApplicationName"] for row in rows}) == len(rows) == 62
    assert done["ApplicationOperationInfoList"][0]["OperationStatus"] == "FAILED"
    assert missing == {"refused": "ResourceNotFoundException"}
    assert refused == {"refused": "InvalidSignatureException"}
    assert {len(each["Values"]) > 0 for each in figures["MetricDataResults"]} == {True, False}
    assert role["Credentials"]["Expiration"] == pytest.approx(now + 3600, abs=300)
    assert who["Account"] == "123456789012"
    details = why["ApplicationOperationInfoDetails"]["OperationFailureDetails"]
    assert details["ErrorInfo"]["ErrorString"]
    assert by_role == described


@contextlib.asynccontextmanager
async def _moto() -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        INTERPRETER,
        ROOT / "tests" / "oracle" / "aws_moto.py",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"]},
    )
    assert process.stdout is not None
    assert process.stdin is not None
    port = int(await process.stdout.readline())
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.stdin.close()
        await process.wait()


@pytest.mark.real
@pytest.mark.xdist_group("real")
def test_moto_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    """Roles, the listing and figures; of operations it knows nothing, and says so with a page."""

    async def play() -> tuple[App, str]:
        async with _moto() as address:
            text = (
                "sources: [{name: msf, platform: aws_flink, region: eu-west-1, "
                "ended_retention: 9999d, "
                f"endpoint: '{address}', cloudwatch_endpoint: '{address}', "
                f"sts_endpoint: '{address}', auth: {{access_key_id: testing, "
                f"secret_access_key: testing, role_arn: '{ROLE}'}}}}]"
            )
            runtime = Runtime(
                environ={}, home=tmp_path, aside=at_once, sleep=lambda seconds: asyncio.sleep(0)
            )
            app = App(
                lambda: parse(text, environ={}, directory=tmp_path),
                runtime=runtime,
                log=RecordingLog(),
            )
            await app.poll_once()
            async with httpx.AsyncClient(trust_env=False) as client:
                keys = await InstanceProvider({}, _sending(client), url=address).credentials()
            await app.stop()
            return app, keys.access_key

    app, instance_key = asyncio.run(play())
    snapshot = app.store.snapshots["msf"]
    assert snapshot.up
    jobs = {job.job_name: job for job in snapshot.jobs}
    orders, clicks = jobs["orders"], jobs["clicks"]
    assert (orders.native_status, orders.state.value) == ("RUNNING", "restarting")
    # The greatest of its minute: a sum would be ten.
    assert orders.restart_times == 7
    assert orders.created_timestamp == 1_690_000_000.5
    assert (clicks.native_status, clicks.state.value) == ("READY", "stopped")
    assert instance_key


def _sending(client: httpx.AsyncClient) -> SendAs:
    async def send(
        request: httpx.Request,
        operation: str,
        *,
        auth: httpx.Auth | None = None,
        direct: bool = False,
        within: float | None = None,
    ) -> httpx.Response:
        return await client.send(request, auth=auth)

    return send
