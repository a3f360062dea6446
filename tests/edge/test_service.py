"""The receiver goes on through a full disk, forgets in time, and opens or closes as a whole."""

import asyncio
import itertools
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exporter.edge.admission import ACCEPTED, Verdict
from exporter.edge.journal_file import open_file
from exporter.edge.receiver import Receiver
from exporter.errors import ConfigError
from exporter.runtime import Runtime
from tests.edge.receivers import PATH, PROJECT, SEED, Edge, body, entry, receiving
from tests.virtual_time import EPOCH, run


async def _soon(seconds: float) -> None:
    await asyncio.sleep(min(seconds, 0.01))


async def until(condition: Callable[[], Any]) -> None:
    """Wait for something that threads and tasks are about to do."""
    async with asyncio.timeout(30):
        for _ in itertools.count():
            if condition():
                return
            await asyncio.sleep(0.005)


def connection_of(edge: Edge) -> sqlite3.Connection:
    service = edge.app._edge._service
    assert service is not None
    connection = service._journal._connection
    assert connection is not None
    return connection


def test_full_disk_is_told_and_its_end_is_noticed_without_reports(tmp_path: Path) -> None:
    async def scenario() -> None:
        lifted = asyncio.Event()

        async def sleep(seconds: float) -> None:
            # The pause before writing is tried again: a little is written though much cannot be.
            await (lifted.wait() if seconds == 5.0 else _soon(seconds))

        runtime = Runtime(environ={}, home=tmp_path, sleep=sleep)
        async with receiving(tmp_path, runtime=runtime) as edge:
            connection = connection_of(edge)
            await edge.post(SEED)
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages}")
            large = body(entry(2, plan={"x": "y" * 500_000}), message_id="large")
            answer = await edge.post(large)
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "5"
            assert answer.json() == {
                "error_code": "EDGE.0503",
                "error_msg": "not stored, try again: database or disk is full",
            }
            page = await edge.page()
            assert 'streaming_source_up{platform="edge",source="edge"} 0.0\n' in page
            # What was known before is shown all the while.
            assert [job["job_id"] for job in await edge.jobs()] == ["99270"]
            sources = (await edge.client.get("/api/v1/sources")).json()["sources"]
            assert sources[0]["failure"] == "journal: database or disk is full"
            connection.execute("PRAGMA max_page_count = 1000000")
            lifted.set()
            await until(lambda: "edge reports are stored again" in edge.log.said())
            page = await edge.page()
            assert 'streaming_source_up{platform="edge",source="edge"} 1.0\n' in page
            assert (await edge.post(large)).status_code == 200

    asyncio.run(scenario())


def test_withdrawn_jobs_leave_the_disk_too(tmp_path: Path) -> None:
    now = [EPOCH]

    async def scenario() -> None:
        runtime = Runtime(
            environ={}, home=tmp_path, sleep=_soon, clock=lambda: now[0], monotonic=lambda: now[0]
        )
        async with receiving(tmp_path, runtime=runtime) as edge:
            await edge.post(body(entry(1), entry(2, status="job_finish")))
            job_tracker = edge.app._edge._service._job_tracker  # type: ignore[union-attr]
            now[0] += 1201
            await until(lambda: job_tracker.count(PROJECT) == 1)
        async with receiving(tmp_path, runtime=runtime) as edge:
            assert [job["job_id"] for job in await edge.jobs()] == ["2"]

    asyncio.run(scenario())


def test_job_that_cannot_be_read_back_is_left_out_and_told(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with receiving(tmp_path) as edge:
            await edge.post(body(entry(1), entry(2), entry(3)))
        connection = sqlite3.connect(tmp_path / "edge.db")
        connection.execute("UPDATE jobs SET facts = '{' WHERE job_id = '1'")
        connection.execute("""UPDATE jobs SET facts = '{"state": "x"}' WHERE job_id = '2'""")
        connection.commit()
        connection.close()
        async with receiving(tmp_path) as edge:
            assert [job["job_id"] for job in await edge.jobs()] == ["3"]
            (line,) = [facts for level, _, facts in edge.log.lines if level == "error"]
            assert line["jobs"] == 2

    asyncio.run(scenario())


def test_database_in_use_is_a_problem_of_the_configuration(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with receiving(tmp_path):
            with pytest.raises(ConfigError, match=r"edge\.database: .* in use by another process"):
                async with receiving(tmp_path):
                    pass

    asyncio.run(scenario())


def test_what_was_opened_for_a_bad_configuration_is_closed_again(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nonsense")
    flink = "{name: a, platform: apache_flink, endpoint: 'http://x'"
    bad = f"sources: [{flink}, tls: {{ca_file: {tmp_path / 'ca.pem'}}}}}]"

    async def scenario() -> None:
        async with receiving(tmp_path) as edge:
            await edge.post(SEED)
            edge.text[0] = edge.text[0].replace("edge.db", "other.db") + bad + "\n"
            with pytest.raises(ConfigError, match="ca_file"):
                await edge.app.reload()
            # Nobody holds it.
            open_file(tmp_path / "other.db", EPOCH, lock_seconds=0.1).connection.close()
            assert (await edge.post(SEED)).status_code == 200

    asyncio.run(scenario())


def test_problems_of_sources_and_of_edge_are_told_together(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nonsense")
    (tmp_path / "edge.db").write_bytes(b"")
    connection = sqlite3.connect(tmp_path / "edge.db")
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    flink = "{name: a, platform: apache_flink, endpoint: 'http://x'"
    sources = f"sources: [{flink}, tls: {{ca_file: {tmp_path / 'ca.pem'}}}}}]"

    async def scenario() -> None:
        with pytest.raises(ConfigError) as caught:
            async with receiving(tmp_path, sources=sources):
                pass
        assert [problem.path for problem in caught.value.problems] == [
            "sources[0].tls.ca_file",
            "edge.database",
        ]

    asyncio.run(scenario())


def test_good_sources_do_not_start_beside_a_bad_journal(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "edge.db")
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    sources = "sources: [{name: a, platform: apache_flink, endpoint: 'http://x'}]"

    async def scenario() -> None:
        with pytest.raises(ConfigError, match="some other program"):
            async with receiving(tmp_path, sources=sources):
                pass

    asyncio.run(scenario())


class Intake:
    """Takes every report and keeps it."""

    largest = 1000

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.verdicts: list[Verdict] = []

    def admit(self, project: str, token: bytes) -> Verdict | None:
        return None

    async def take(self, project: str, body: bytes) -> Verdict:
        self.bodies.append(body)
        return ACCEPTED

    def refused(self, project: str, verdict: Verdict) -> None:
        self.verdicts.append(verdict)


def answered(*messages: dict[str, Any], length: bytes = b"") -> tuple[list[Any], Intake]:
    """Return what is sent when a body arrives so; after the last message nothing comes any more."""
    intake, sent = Intake(), []
    waiting = iter(messages)

    async def receive() -> Any:
        message = next(waiting, None)
        if message is None:
            await asyncio.sleep(1e9)
        return message

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-length", length)] if length else []
    scope = {"type": "http", "method": "POST", "path": PATH, "headers": headers}
    run(Receiver(intake)(scope, receive, send))
    return sent, intake


def part(content: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": content, "more_body": more}


def test_body_in_parts_is_put_together() -> None:
    sent, intake = answered(part(b"one "), part(b""), part(b"two", more=False))
    assert sent[0]["status"] == 200
    assert intake.bodies == [b"one two"]


def test_sender_that_leaves_is_not_answered() -> None:
    for messages in (
        [{"type": "http.disconnect"}],
        [part(b"one"), {"type": "http.disconnect"}],
    ):
        assert answered(*messages)[0] == []


def test_body_that_never_ends_is_given_up() -> None:
    sent, intake = answered(part(b"one"))
    assert sent[0]["status"] == 400
    assert intake.verdicts[0].message == "body: not complete within 30 seconds"


def test_body_announced_as_too_large_is_not_waited_for() -> None:
    sent, _ = answered(length=b"1001")
    assert sent[0]["status"] == 413


def test_length_that_is_no_number_is_not_believed() -> None:
    sent, _ = answered(part(b"x", more=False), length=b"+5")
    assert sent[0]["status"] == 200
