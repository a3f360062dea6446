"""The vendor's own clients, with a host of ours, read the simulated services."""

import asyncio
import json
import os
import socket
import time
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet, Phase
from exporter.simulator.tencent import monitor, oceanus, sts
from exporter.simulator.tencent.access import CamRole, TencentAccess, TencentKey
from exporter.simulator.tencent.rows import job_id
from tests.auth.test_oracle import INTERPRETER, ROOT

ID, SECRET = "AKIDtest", "test-secret"
ROLE = "qcs::cam::uin/100000000002:roleName/reader"
SERVICES = {"GetMonitorData": "monitor", "AssumeRole": "sts"}
SCRIPT = ROOT / "tests" / "oracle" / "tencent_client.py"


async def _ask(questions: list[dict[str, Any]]) -> list[Any]:
    process = await asyncio.create_subprocess_exec(
        INTERPRETER,
        SCRIPT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
    )
    said, _ = await process.communicate(json.dumps(questions).encode())
    assert process.returncode == 0
    answers: list[Any] = json.loads(said)
    return answers


class _Served:
    """Three simulated services on loopback, in real time: the client signs with its own clock."""

    def __init__(self) -> None:
        began = time.time() - 3600
        self.fleet = Fleet(seed=1, started_at=began, jobs=0)
        self.orders = job_id(self.fleet.add("orders", began, lag_slope=0.01).number)
        self.broken = job_id(self.fleet.add("broken", began).number)
        self.fleet.set_phase("broken", Phase.FAILED, began + 600)
        access = self.access = TencentAccess(TencentKey(secret_id=ID, secret_key=SECRET))
        faults = FaultInjection(started_at=began)
        self.apps: dict[str, ASGIApp] = {
            "oceanus": oceanus.build(
                fleet=self.fleet, faults=faults, clock=time.time, access=access
            ),
            "monitor": monitor.build(
                fleet=self.fleet, faults=faults, clock=time.time, access=access
            ),
            "sts": sts.build(
                faults=faults,
                clock=time.time,
                access=access,
                roles=[CamRole(arn=ROLE, trusts=frozenset({ID}))],
            ),
        }

    async def ask(self, questions: list[tuple[str, dict[str, Any]]], secret: str) -> list[Any]:
        hosts = {}
        servers = []
        for name, app in self.apps.items():
            listener = socket.create_server(("127.0.0.1", 0))
            hosts[name] = f"127.0.0.1:{listener.getsockname()[1]}"
            server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
            servers.append((server, asyncio.create_task(server.serve([listener])), listener))
        asked = [
            {
                "action": action,
                "parameters": parameters,
                "host": hosts[SERVICES.get(action, "oceanus")],
                "secret_id": ID,
                "secret_key": secret,
            }
            for action, parameters in questions
        ]
        try:
            return await _ask(asked)
        finally:
            for server, task, listener in servers:
                server.should_exit = True
                await task
                listener.close()


def test_clients_of_the_vendor_read_jobs_work_spaces_events_and_figures() -> None:
    served = _Served()
    now = int(time.time())
    orders, broken = served.orders, served.broken
    figure = {
        "Namespace": "QCE/TSTREAM",
        "MetricName": "JobServiceDelay",
        "Period": 60,
        "StartTime": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(now - 600)),
        "EndTime": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(now)),
        "Instances": [{"Dimensions": [{"Name": "tjob_id", "Value": orders}]}],
    }
    failures = {"JobId": broken, "StartTimestamp": now - 7200, "EndTimestamp": now}
    questions: list[tuple[str, dict[str, Any]]] = [
        ("DescribeJobs", {"Limit": 100, "WorkSpaceId": "space-demo0001"}),
        ("DescribeJobs", {"JobIds": [orders]}),
        ("DescribeWorkSpaces", {}),
        ("DescribeJobEvents", {**failures, "Types": ["21"]}),
        ("GetMonitorData", figure),
        ("DescribeJobs", {"WorkSpaceId": "space-other"}),
        ("DescribeJobs", {"JobIds": ["a"], "Filters": [{"Name": "Name", "Values": ["b"]}]}),
    ]
    jobs, one, spaces, events, points, elsewhere, both = asyncio.run(served.ask(questions, SECRET))
    assert {row["JobId"]: row["Status"] for row in jobs["JobSet"]} == {orders: 4, broken: -1}
    assert ([row["Name"] for row in one["JobSet"]], one["TotalCount"]) == (["orders"], 2)
    assert [each["Status"] for each in spaces["WorkSpaceSetItem"]] == [2, -1]
    assert [each["Type"] for each in events["Events"]] == ["21"]
    (series,) = points["DataPoints"]
    assert len(series["Timestamps"]) == len(series["Values"]) > 5
    assert elsewhere == {"error": "ResourceNotFound.WorkSpace"}
    assert both == {"error": "InvalidParameterValue.UnSupportedComposite"}


def test_wrong_key_is_refused_in_words_that_the_client_understands() -> None:
    assert asyncio.run(_Served().ask([("DescribeJobs", {})], "other")) == [
        {"error": "AuthFailure.SignatureFailure"}
    ]


def test_what_the_vendor_assumes_roles_with_gets_keys_that_are_good() -> None:
    served = _Served()
    good = {"RoleArn": ROLE, "RoleSessionName": "vendor", "DurationSeconds": 3600}
    unknown = {**good, "RoleArn": ROLE + "-not-there"}
    questions: list[tuple[str, dict[str, Any]]] = [("AssumeRole", good), ("AssumeRole", unknown)]
    found, refused = asyncio.run(served.ask(questions, SECRET))
    key = served.access.find(found["id"])
    assert key is not None
    assert (key.secret_key, key.token, key.principal) == (found["key"], found["token"], ROLE)
    assert refused == {"error": "ResourceNotFound.RoleNotFound"}
