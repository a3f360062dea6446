"""Reports from the command line reach an exporter, and the demo's agent reports by itself."""

import asyncio
import io
import json
import re
from pathlib import Path

import httpx
import pytest

from exporter import cli
from exporter.runtime import Runtime
from exporter.simulator.edge_agent import TOKEN as DEMO_TOKEN
from exporter.simulator.edge_agent import EdgeAgent
from exporter.simulator.fleet.fleet import Fleet
from tests.edge.receivers import PROJECT, SEED, SUCCESS, Edge, receiving


class Shop:
    """An exporter at a counter: each command finds it there, and it remembers."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        (directory / "token").write_text("token-of-the-project\n")

    def command(self, *arguments: str) -> tuple[int, str, str]:
        """Run edge-report against an exporter with its journal in the directory."""
        out, err = io.StringIO(), io.StringIO()
        runtime = Runtime(
            environ={},
            home=self._directory,
            transport=lambda: _Counter(self._directory),
            sleep=_soon,
        )
        given = ["edge-report", "--url=http://exporter", f"--project={PROJECT}"]
        token = f"--token-file={self._directory / 'token'}"
        code = cli.main([*given, token, *arguments], runtime=runtime, out=out, err=err)
        return code, out.getvalue(), err.getvalue()


async def _soon(seconds: float) -> None:
    await asyncio.sleep(0)


class _Counter(httpx.AsyncBaseTransport):
    """Open an exporter for one request."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        async with receiving(self._directory) as edge:
            return await edge.client.send(
                edge.client.build_request(
                    request.method,
                    request.url.path,
                    content=await request.aread(),
                    headers={"X-Auth-Token": request.headers["X-Auth-Token"]},
                )
            )


def jobs(directory: Path) -> list[dict[str, object]]:
    async def look() -> list[dict[str, object]]:
        async with receiving(directory) as edge:
            return await edge.jobs()

    return asyncio.run(look())


def test_job_is_reported(tmp_path: Path) -> None:
    code, out, err = Shop(tmp_path).command("--job-id=7", "--status=job_running")
    assert (code, out, err) == (0, f"{SUCCESS['message']}\n", "")
    (job,) = jobs(tmp_path)
    assert (job["job_id"], job["state"]) == ("7", "running")


def test_way_is_tried_without_a_job(tmp_path: Path) -> None:
    assert Shop(tmp_path).command()[0] == 0
    assert jobs(tmp_path) == []


def test_report_of_a_file_is_sent_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(SEED)
    assert Shop(tmp_path).command(f"--file={tmp_path / 'report.json'}")[0] == 0
    assert [job["job_id"] for job in jobs(tmp_path)] == ["99270"]


def test_refusal_is_told_with_its_field(tmp_path: Path) -> None:
    code, out, err = Shop(tmp_path).command("--status=a b")
    assert (code, out) == (1, "")
    assert err == (
        "error: edge-report failed: server, HTTP 400, EDGE.0400, "
        "jobs[0].status: expected a word such as job_running\n"
    )


def test_wrong_token_is_told_and_not_shown(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    (tmp_path / "token").write_text("hunter2")
    code, _, err = shop.command()
    assert code == 1
    assert "auth, HTTP 401, EDGE.0401, X-Auth-Token: not accepted" in err
    assert "hunter2" not in err


def test_missing_token_file_is_told(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    (tmp_path / "token").unlink()
    code, _, err = shop.command()
    assert code == 2
    assert err == f"error: {tmp_path / 'token'}: No such file or directory\n"


def sent(handler: httpx.MockTransport, directory: Path) -> tuple[int, str, str]:
    (directory / "token").write_text("t")
    out, err = io.StringIO(), io.StringIO()
    runtime = Runtime(environ={}, home=directory, transport=lambda: handler, sleep=_soon)
    arguments = ["edge-report", "--project=p", f"--token-file={directory / 'token'}"]
    code = cli.main(arguments, runtime=runtime, out=out, err=err)
    return code, out.getvalue(), err.getvalue()


def test_busy_exporter_is_asked_again_under_the_same_name(tmp_path: Path) -> None:
    bodies = []

    def handle(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        if len(bodies) < 3:
            return httpx.Response(503, headers={"Retry-After": "5"}, json={"error_msg": "later"})
        return httpx.Response(200, json=SUCCESS)

    assert sent(httpx.MockTransport(handle), tmp_path)[0] == 0
    assert len(bodies) == 3
    assert len(set(bodies)) == 1


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (httpx.ConnectError("no"), "edge-report failed: connection, ConnectError"),
        (httpx.ReadTimeout("no"), "edge-report failed: timeout"),
    ],
)
def test_silence_is_told(tmp_path: Path, failure: httpx.HTTPError, expected: str) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        raise failure

    code, _, err = sent(httpx.MockTransport(handle), tmp_path)
    assert (code, err) == (1, f"error: {expected}\n")


def test_answer_that_is_no_json_is_told(tmp_path: Path) -> None:
    code, _, err = sent(httpx.MockTransport(lambda _: httpx.Response(502, text="<html>")), tmp_path)
    assert (code, err) == (1, "error: edge-report failed: server, HTTP 502\n")


async def reports_of(agent: EdgeAgent, edge: Edge, count: int) -> list[int]:
    statuses = []
    for _ in range(count):
        answer = await edge.post(json.dumps(agent.report()), token=DEMO_TOKEN)
        statuses.append(answer.status_code)
    return statuses


def test_reports_of_the_simulated_agent_are_taken(tmp_path: Path) -> None:
    now = [1_700_000_000.0]
    fleet = Fleet(seed=1, started_at=now[0], jobs=12)
    agent = EdgeAgent(fleet=fleet, project_id=PROJECT, clock=lambda: now[0], sleep=_soon)

    async def scenario() -> str:
        projects = f"projects: {{{PROJECT}: {{token: {DEMO_TOKEN}}}}}"
        async with receiving(tmp_path, projects=projects) as edge:
            assert await reports_of(agent, edge, 3) == [200, 200, 200]
            now[0] += 100
            assert await reports_of(agent, edge, 1) == [200]
            now[0] += 500
            assert await reports_of(agent, edge, 2) == [200, 200]
            return await edge.page()

    page = asyncio.run(scenario())
    shown = re.findall(r'^streaming_job_info{.*source="edge"', page, re.MULTILINE)
    assert len(shown) >= 6
    assert "streaming_job_read_records_per_second{" in page
    failed = re.findall(
        r"^streaming_job_last_error_timestamp_seconds{.*} (\S+)$", page, re.MULTILINE
    )
    assert failed != []
    assert all(now[0] - 86400 < float(moment) <= now[0] for moment in failed)


def test_simulated_agent_sends_again_what_was_not_answered() -> None:
    bodies: list[bytes] = []

    def handle(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        if len(bodies) == 1:
            raise httpx.ConnectError("down")
        return httpx.Response({2: 503}.get(len(bodies), 200))

    async def scenario() -> None:
        enough = asyncio.Event()

        async def sleep(seconds: float) -> None:
            if len(bodies) >= 4:
                enough.set()
            await asyncio.sleep(0)

        fleet = Fleet(seed=1, started_at=0.0, jobs=3)
        agent = EdgeAgent(fleet=fleet, project_id=PROJECT, clock=lambda: 1.0, sleep=sleep)
        async with httpx.AsyncClient(transport=httpx.MockTransport(handle)) as client:
            task = asyncio.create_task(agent.run("http://exporter", client))
            await enough.wait()
            task.cancel()

    asyncio.run(scenario())
    assert bodies[0] == bodies[1] == bodies[2] != bodies[3]
