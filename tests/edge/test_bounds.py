"""No body of a report takes long in one piece, whatever is in it, and few take long at all."""

import asyncio
import contextlib
import json
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from exporter.edge.admission import ACCEPTED, Verdict
from exporter.edge.decoding import Bounds, decode, decode_object
from exporter.edge.jobs import read_job, read_job_in_turns
from exporter.edge.journal import Events, Journal
from exporter.edge.journal_sql import Entry
from exporter.edge.journal_writer import Limits
from exporter.edge.receiver import Receiver
from exporter.edge.report import MOST_JOBS, ReportedJob, read_in_turns, read_report
from exporter.errors import ReportError
from exporter.fields import Flaws
from exporter.listening.addresses import listen
from exporter.process.steps import finished
from exporter.serving.server import serving
from tests.edge.receivers import NOW_MS, PATH, PROJECT, TOKEN, body, entry, receiving
from tests.edge.test_report import odd_bodies
from tests.listening.served_protocol import until

MEBIBYTE = 1024 * 1024
HEAD = b'{"message_id":"m","jobs":[{"status":"job_running","create_time":1591104868201,"job_id":1,'
TAIL = b"}]}"


def _filled(lead: bytes, unit: bytes, end: bytes) -> bytes:
    count = (MEBIBYTE - len(lead) - len(end)) // (len(unit) + 1)
    return lead + b",".join([unit] * count) + end


WORST = {
    "lists": _filled(HEAD + b'"plan":{"a":[', b"[]", b"]}" + TAIL),
    "objects": _filled(HEAD + b'"plan":{"vertices":[', b"{}", b"]}" + TAIL),
    "nested": _filled(HEAD + b'"plan":{"a":[', b"[" * 25 + b"]" * 25, b"]}" + TAIL),
    "numbers": _filled(HEAD + b'"metrics":{"a":[', b"1", b"]}" + TAIL),
    "sinks": _filled(HEAD + b'"metrics":{"sinks":[', b"0", b"]}" + TAIL),
    "names": HEAD
    + b'"metrics":{'
    + b",".join(b'"%x":1' % number for number in range(100_000))
    + b"}"
    + TAIL,
    "jobs": _filled(b'{"message_id":"m","jobs":[', b'{"a":1}', b"]}"),
    "no jobs": _filled(b'{"message_id":"m","jobs":[', b"0", b"]}"),
    "twice": _filled(b'{"message_id":"m","jobs":[],"x":{', b'"a":0', b"}}"),
    "no numbers": _filled(b'{"message_id":"m","jobs":[],"x":[', b"NaN", b"]}"),
    "deep": b"[" * MEBIBYTE,
    "a text of numbers": HEAD
    + b'"metrics":"{\\"a\\":['
    + b",".join([b"1"] * 450_000)
    + b']}"'
    + TAIL,
}


@pytest.mark.parametrize("content", WORST.values(), ids=WORST.keys())
def test_body_with_more_than_any_report_has_is_refused_before_it_is_decoded(content: bytes) -> None:
    turns = read_in_turns(content)
    with pytest.raises(ReportError, match="expected at most 200000 names and values"):
        next(turns)


def _steps(turns: Generator[None, None, Any]) -> int:
    count = 0
    with contextlib.suppress(ReportError):
        for _ in turns:
            count += 1
    return count


@pytest.mark.parametrize(
    "content",
    [
        HEAD + b'"plan":{"a":[' + b",".join([b"[]"] * 60_000) + b"]}" + TAIL,
        HEAD + b'"metrics":{"a":[' + b",".join([b"1"] * 120_000) + b"]}" + TAIL,
        HEAD + b'"plan":{"a":[' + b",".join([b'{"b":1}'] * 40_000) + b"]}" + TAIL,
        b'{"message_id":"m","jobs":[' + b",".join([b'{"a":1}'] * 40_000) + b"]}",
        body(*(entry(number) for number in range(MOST_JOBS))),
    ],
)
def test_large_body_is_read_in_many_turns(content: bytes) -> None:
    assert _steps(read_in_turns(content)) > 100


def test_small_body_is_read_at_once() -> None:
    assert _steps(read_in_turns(body(entry(metrics={"a": 1}, plan={"jid": "x"})))) == 0


def test_bounds_count_what_there_is_to_decode() -> None:
    content = b'{"message_id": "m", "jobs": []}'
    assert read_report(content, Bounds(most=5)).jobs == ()
    with pytest.raises(ReportError, match="body: expected at most 4 names and values"):
        read_report(content, Bounds(most=4))


def test_body_of_several_mebibytes_is_looked_through_in_turns() -> None:
    content = json.dumps({"jobs": [], "message_id": "m", "x": "任务" * 10**6}).encode()
    padded = content[:-1] + b',"y":"' + "任".encode() * 10**6 + b'"}'
    turns = read_in_turns(padded)
    count = sum(1 for _ in iter(lambda: next(turns, "done"), "done"))
    assert count >= 2 * (len(padded) // MEBIBYTE)
    with pytest.raises(ReportError, match="body: not UTF-8 text"):
        read_report(padded[:-2] + b"\xff" + b'"}')


def test_report_of_too_many_jobs_is_refused() -> None:
    jobs = [{"status": "a", "create_time": 1}] * (MOST_JOBS + 1)
    with pytest.raises(ReportError, match="jobs: expected at most 10000 jobs in one report"):
        read_report(json.dumps({"jobs": jobs, "message_id": "m"}).encode())


@settings(max_examples=200, deadline=None)
@given(odd_bodies)
def test_body_says_the_same_whether_it_is_read_at_once_or_in_turns(content: bytes) -> None:
    def read(bounds: Bounds) -> Any:
        try:
            return repr(finished(decode(content, bounds)))
        except ReportError:
            return None

    assert read(Bounds()) == read(Bounds(at_once=-1))


# What is done with a job.


def _facts(**free: Any) -> Any:
    reported = ReportedJob(
        job_id=1,
        status="job_running",
        create_time=NOW_MS,
        **{"exceptions": None, "metrics": None, "plan": None, **free},
    )
    flaws = Flaws()
    return read_job("p", reported, 0.0, flaws).facts, flaws


def test_values_under_one_long_name_are_not_spelt_out() -> None:
    """Their paths together would be a hundred thousand times a hundred kilobytes."""
    facts, _ = _facts(metrics={"k" * 100_000: ["x"] * 100_000, "a": 1})
    assert facts["other_metrics"] == (("a", 1.0),)


def test_only_so_many_values_of_metrics_are_looked_at() -> None:
    facts, _ = _facts(metrics={"texts": ["x"] * 3_000, "late": 1})
    assert "other_metrics" not in facts or facts["other_metrics"] == ()
    facts, _ = _facts(metrics={"texts": ["x"] * 1_000, "late": 1})
    assert facts["other_metrics"] == (("late", 1.0),)


def test_list_of_too_many_sinks_is_a_flaw_and_no_sum() -> None:
    facts, flaws = _facts(metrics={"sinks": [{"records": 1}] * 1_000})
    assert facts["written_records"] == 1_000.0
    facts, flaws = _facts(metrics={"sinks": [{"records": 1}] * 1_001})
    assert "written_records" not in facts
    assert list(map(str, flaws.unreadable)) == ["metrics.sinks: expected a list of at most 1000"]
    assert len(_facts(metrics={"sinks": [0] * 100_000})[1].unreadable) == 1


@pytest.mark.parametrize("wrapped", [False, True])
def test_plan_of_more_vertices_than_any_job_has_is_not_read(wrapped: bool) -> None:
    def plan(vertices: int, tasks: int = 1) -> Any:
        graph = {
            "state": "RUNNING",
            "vertices": [
                {"parallelism": 2, "tasks": {f"S{n}": 1 for n in range(tasks)}}
                for _ in range(vertices)
            ],
        }
        return {"execute_graph": graph} if wrapped else graph

    assert _facts(plan=plan(500))[0]["parallelism"] == 2
    assert "parallelism" not in _facts(plan=plan(501))[0]
    assert "graph_state" not in _facts(plan=plan(100_000))[0]
    assert "parallelism" not in _facts(plan=plan(100, tasks=300))[0]


def test_text_that_hides_a_large_object_is_opened_in_turns() -> None:
    hidden = '{"a":[' + ",".join(["[]"] * 20_000) + "]}"
    assert decode_object(hidden) is not None
    reported = ReportedJob(
        job_id=1, status="a", create_time=NOW_MS, exceptions=None, metrics=None, plan=hidden
    )
    assert _steps(read_job_in_turns("p", reported, 0.0, Flaws())) > 30
    larger = '{"a":[' + ",".join(["[]"] * 200_000) + "]}"
    assert decode_object(larger) is None
    reported = replace(reported, plan=None, exceptions=larger)
    # No more than a look at how large it is.
    assert _steps(read_job_in_turns("p", reported, 0.0, Flaws())) == 0


# Many at a time.


def _heavy(number: int) -> bytes:
    jobs = (entry(100 + job, metrics={"restart_times": number}) for job in range(1_000))
    return body(*jobs, message_id=f"heavy-{number}")


def test_small_reports_overtake_large_ones_and_too_many_large_ones_are_asked_to_wait(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with receiving(tmp_path) as edge:
            done: list[str] = []

            async def send(name: str, content: bytes) -> int:
                answer = await edge.post(content)
                done.append(name)
                return answer.status_code

            tasks = [
                asyncio.create_task(send(f"heavy {number}", _heavy(number))) for number in range(40)
            ]
            await asyncio.sleep(0.05)
            assert await send("small", body(entry(1), message_id="small")) == 200
            statuses = await asyncio.gather(*tasks)
            assert set(statuses) == {200, 429}
            assert statuses.count(200) >= 32
            assert done.index("small") < len(done) - 20

    asyncio.run(scenario())


class _Slow:
    """An intake that takes its time."""

    largest = 4 * MEBIBYTE

    def __init__(self) -> None:
        self.release = asyncio.Event()
        self.refusals: list[Verdict] = []
        self.taken = 0

    def admit(self, project: str, token: bytes) -> Verdict | None:
        return None

    async def take(self, project: str, body: bytes) -> Verdict:
        self.taken += 1
        await self.release.wait()
        return ACCEPTED

    def refused(self, project: str, verdict: Verdict) -> None:
        self.refusals.append(verdict)


def test_bytes_of_all_large_bodies_together_are_bounded(tmp_path: Path) -> None:
    """On sockets: two of 300 KB fit in 700 KB, a third is asked to wait, small ones are taken."""

    async def post(port: int, size: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n"
        writer.write(head.encode() + b" " * size)
        answer = await reader.readuntil(b"\r\n\r\n")
        writer.close()
        return answer

    async def scenario() -> None:
        intake = _Slow()
        receiver: Any = Receiver(intake, most_held=700_000)
        with listen("127.0.0.1:0") as listener:
            port = listener.getsockname()[1]
            async with serving(receiver, [listener]):
                held = [asyncio.create_task(post(port, 300_000)) for _ in range(2)]
                await until(lambda: intake.taken == 2)
                refused = await post(port, 300_000)
                assert b" 429 " in refused
                assert b"retry-after: 5" in refused
                small = asyncio.create_task(post(port, 60_000))
                await until(lambda: intake.taken == 3)
                intake.release.set()
                assert all(b" 200 " in answer for answer in await asyncio.gather(*held, small))
                # What was held is given back; by itself a body of any size fits.
                assert b" 200 " in await post(port, 3 * MEBIBYTE)
                assert [each.message for each in intake.refusals] == [
                    "too many bytes of large reports at a time"
                ]

    asyncio.run(scenario())


def test_reports_of_many_jobs_are_not_all_in_one_transaction(tmp_path: Path) -> None:
    async def scenario() -> list[float]:
        commits: list[float] = []
        events = Events(
            stored=lambda entry: None,
            expired=lambda project, count: None,
            committed=commits.append,
            failed=lambda failure: None,
        )
        journal = Journal(
            tmp_path / "j.db",
            limits=Limits(seconds=1e9, bytes=10**9),
            events=events,
            clock=lambda: 1.0,
            monotonic=lambda: 1.0,
        )
        await journal.open()
        reported = ReportedJob(
            job_id=1, status="a", create_time=NOW_MS, exceptions=None, metrics=None, plan=None
        )
        jobs = (read_job(PROJECT, reported, 1.0, Flaws()),) * 6_000
        await asyncio.gather(
            *(
                journal.append(
                    Entry(
                        project=PROJECT, message_id=f"{n}", received_at=1.0, body=b"{}", jobs=jobs
                    )
                )
                for n in range(3)
            )
        )
        await journal.close()
        return commits

    assert len(asyncio.run(scenario())) == 3


def test_token_is_asked_before_anything_is_read(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with receiving(tmp_path) as edge:
            answer = await edge.post(WORST["lists"], token=TOKEN + "x")
            assert answer.status_code == 401
            assert (await edge.post(WORST["lists"])).status_code == 400

    asyncio.run(scenario())
