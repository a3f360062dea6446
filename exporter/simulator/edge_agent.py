"""Simulate the agent of an edge node: it pushes the state of its jobs, as dli_02_0287 documents.

It sees a fleet of its own. One job is reported for a while only and then no more, as when a node is
unplugged. Its clock is a little slow, and a report that was not answered is sent again under the
same message_id.
"""

import json
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

import httpx

from exporter.simulator.fleet.fleet import Fleet, View
from exporter.simulator.huawei.dli_rows import status_of

TOKEN = "demo-edge-token"  # noqa: S105 - Good for nothing but the demo.
_EVERY = 5.0
_SILENT_AFTER = 60.0
_CLOCK_ERROR = -0.8
_MOST_JOBS = 6
_BASE_ID = 99_000


class EdgeAgent:
    """One node with a few jobs, reporting to one address."""

    def __init__(
        self,
        *,
        fleet: Fleet,
        project_id: str,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        seed: int = 1,
    ) -> None:
        self._fleet = fleet
        self._project_id = project_id
        self._clock = clock
        self._sleep = sleep
        self._random = Random(seed)  # noqa: S311 - Chooses the faults of a demo.
        self._started_at = clock()

    def report(self) -> dict[str, Any]:
        """Return the next report."""
        now = self._clock()
        views = sorted(self._fleet.views(now), key=lambda view: view.number)[:_MOST_JOBS]
        if now - self._started_at > _SILENT_AFTER:
            # The last one's node was unplugged.
            views = views[:-1]
        return {
            "jobs": [self._job(view, now) for view in views],
            "msg_confirm_topic": "hw/events/messages/dli/message/confirm",
            "message_id": str(uuid.UUID(int=self._random.getrandbits(128), version=4)),
        }

    async def run(self, address: str, client: httpx.AsyncClient) -> None:
        """Report until cancelled."""
        while True:
            body = json.dumps(self.report()).encode()
            while not await self.send(address, client, body):
                await self._sleep(_EVERY)
            await self._sleep(_EVERY)

    async def send(self, address: str, client: httpx.AsyncClient, body: bytes) -> bool:
        """Send a report; say whether it need not be sent again."""
        try:
            answer = await client.post(
                f"{address}/v1/{self._project_id}/edgesrv/job-report",
                content=body,
                headers={"X-Auth-Token": TOKEN, "Content-Type": "application/json"},
            )
        except httpx.TransportError:
            return False
        return answer.status_code not in (429, 503)

    def _job(self, view: View, now: float) -> dict[str, Any]:
        status = status_of(view, now)
        job: dict[str, Any] = {
            "job_id": _BASE_ID + view.number,
            "status": status,
            "create_time": int((now + _CLOCK_ERROR) * 1000),
        }
        if status in ("job_submit_fail", "job_running_exception"):
            job["exceptions"] = {
                "error_id": "Agent.51000",
                "error_type": "JOB_SUBMIT_EXCEPTION",
                "error_cause": "agent_submit_job_exception_error",
                "exception": "",
                "error_time": _written((view.error_at or view.changed_at) + _CLOCK_ERROR),
            }
        if status == "job_running":
            job["metrics"] = json.dumps(
                {
                    "total_read_rate": round(self._random.uniform(800, 1200), 1),
                    "total_write_rate": round(self._random.uniform(700, 1100), 1),
                    "restart_times": view.restarts,
                }
            )
        return job


def _written(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S")
