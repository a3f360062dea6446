"""The JSON of all jobs is written once for all who ask, and only what has changed."""

import asyncio
import gzip
import json
from typing import Any

from exporter.collecting.store import Store
from exporter.exposition.blocks import cut
from exporter.exposition.deflated_text import DeflatedText, Deflater
from exporter.model import Job, Node, ProblemKind, State
from exporter.serving.documents import Document
from tests.jobs import job, problem, snapshot
from tests.virtual_time import EPOCH, run


class Counted(Deflater):
    """Counts the pieces that are compressed."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces = 0

    def piece(self, text: bytes) -> DeflatedText:
        self.pieces += len(text) > 100
        return super().piece(text)


class Desk:
    """A document of a store."""

    def __init__(self, *, of_jobs: bool = True) -> None:
        self.store = Store()
        self.now = EPOCH
        self.deflater = Counted()
        self.document = Document(
            self.store, clock=lambda: self.now, of_jobs=of_jobs, deflater=self.deflater
        )

    async def read(self) -> Any:
        page = await self.document.current()
        length, chunks = page.plain(self.document.end)
        text = b"".join(chunks)
        assert len(text) == length
        size, packed = page.gzip(self.document.packed_end)
        whole = b"".join(packed)
        assert len(whole) == size
        assert gzip.decompress(whole) == text
        return json.loads(text)

    async def names(self) -> list[str]:
        return [each["job_name"] for each in (await self.read())["jobs"]]


def _jobs(count: int) -> list[Job]:
    return [job(f"job {number}", job_id=f"{number}") for number in range(count)]


def test_document_of_nothing_is_whole() -> None:
    async def body() -> None:
        desk = Desk()
        assert await desk.read() == {"jobs": []}
        assert await Desk(of_jobs=False).read() == {"sources": []}

    run(body())


def test_all_jobs_of_all_sources_are_told_in_order() -> None:
    async def body() -> None:
        desk = Desk()
        desk.store.put(snapshot(*_jobs(500), source="a"))
        desk.store.put(snapshot(source="b"))
        desk.store.put(snapshot(job("last", nodes=(Node(name="n", state=State.RUNNING),))))
        assert await desk.names() == [f"job {number}" for number in range(500)] + ["last"]
        (node,) = (await desk.read())["jobs"][-1]["nodes"]
        assert node == {
            "name": "n",
            "node_type": "",
            "state": "running",
            "native_status": "",
            "run_id": "",
            "read_records": None,
            "read_bytes": None,
            "written_records": None,
            "written_bytes": None,
            "buffered_records": None,
            "records_per_second": None,
        }

    run(body())


def test_only_blocks_with_a_job_that_changed_are_written_again() -> None:
    async def body() -> None:
        desk = Desk()
        jobs = _jobs(1000)
        desk.store.put(snapshot(*jobs))
        await desk.read()
        whole = desk.deflater.pieces
        assert whole > 10
        await desk.read()
        assert desk.deflater.pieces == whole
        jobs[500] = job("changed", job_id="500")
        desk.store.put(snapshot(*jobs))
        assert (await desk.names())[500] == "changed"
        assert desk.deflater.pieces == whole + 1
        # Whatever else is told with each job is part of it.
        desk.store.put(snapshot(*jobs, labels=(("team", "a"),)))
        assert {str(each["labels"]) for each in (await desk.read())["jobs"]} == {"{'team': 'a'}"}

    run(body())


def test_only_blocks_with_a_problem_that_changed_are_written_again() -> None:
    async def body() -> None:
        desk = Desk()
        jobs = tuple(_jobs(1000))
        begun = tuple(problem(ProblemKind.STUCK, f"{number}") for number in (3, 500, 997))
        desk.store.put(snapshot(*jobs, problems=begun))
        await desk.read()
        whole = desk.deflater.pieces
        desk.store.put(snapshot(*jobs, problems=begun[:1] + begun[2:]))
        told = (await desk.read())["jobs"]
        assert desk.deflater.pieces == whole + 1
        assert [each["job_id"] for each in told if each["problems"]] == ["3", "997"]
        # The same, told by other objects.
        again = tuple(problem(ProblemKind.STUCK, f"{number}") for number in (3, 997))
        desk.store.put(snapshot(*jobs, problems=again))
        await desk.read()
        assert desk.deflater.pieces == whole + 1

    run(body())


def test_who_asks_together_shares_one_writing() -> None:
    async def body() -> None:
        desk = Desk()
        desk.store.put(snapshot(*_jobs(1000)))
        pages = await asyncio.gather(*(desk.document.current() for _ in range(50)))
        assert len({id(page) for page in pages}) == 1
        once = desk.deflater.pieces
        others = tuple(job(f"new {number}") for number in range(1000))
        desk.store.put(snapshot(*others))
        await asyncio.gather(*(desk.document.current() for _ in range(50)))
        # How many blocks there are is a matter of hashes, which differ from run to run.
        assert desk.deflater.pieces == once + len(list(cut(others)))

    run(body())


def test_who_asks_after_a_change_gets_it_though_the_old_is_still_being_written() -> None:
    async def body() -> None:
        desk = Desk()
        desk.store.put(snapshot(*_jobs(1000)))
        early = asyncio.create_task(desk.document.current())
        for _ in range(3):
            await asyncio.sleep(0)
        desk.store.put(snapshot(job("newest")))
        late = [asyncio.create_task(desk.names()) for _ in range(5)]
        assert await asyncio.gather(*late) == [["newest"]] * 5
        assert (await early) is not await desk.document.current()

    run(body())


def test_who_leaves_while_it_is_written_leaves_it_to_others() -> None:
    async def body() -> None:
        desk = Desk()
        desk.store.put(snapshot(*_jobs(1000)))
        first = asyncio.create_task(desk.names())
        second = asyncio.create_task(desk.names())
        for _ in range(3):
            await asyncio.sleep(0)
        first.cancel()
        assert len(await second) == 1000

    run(body())


def test_others_have_their_turn_while_it_is_written() -> None:
    async def body() -> int:
        desk = Desk()
        desk.store.put(snapshot(*_jobs(2000)))
        task = asyncio.create_task(desk.document.current())
        turns = 0
        while not task.done():
            turns += 1
            await asyncio.sleep(0)
        return turns

    assert run(body()) > 60


def test_stale_jobs_leave_though_nothing_new_comes() -> None:
    async def body() -> None:
        desk = Desk()
        desk.store.put(snapshot(job("old")))
        assert await desk.names() == ["old"]
        desk.now = EPOCH + 299
        assert await desk.names() == ["old"]
        desk.now = EPOCH + 301
        assert await desk.names() == []

    run(body())


def test_half_a_character_is_spelt_out_and_hurts_no_other_job() -> None:
    async def body() -> None:
        desk = Desk()
        desk.store.put(snapshot(job("a\ud800b"), job("任务", job_id="2")))
        assert await desk.names() == ["a\ud800b", "任务"]

    run(body())


def test_jobs_that_were_are_not_held_when_nobody_asks_any_more() -> None:
    """Otherwise one look at the JSON would cost the memory of all jobs for ever."""

    async def body() -> None:
        desk = Desk()
        desk.store.put(snapshot(*_jobs(100)))
        await desk.read()
        assert desk.document._blocks
        await asyncio.sleep(300)
        assert not desk.document._blocks
        assert len(await desk.names()) == 100

    run(body())
