"""What bars the way to the journal's file ends neither the journal nor the page of metrics."""

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exporter.edge.journal_file import damaged_files
from tests.edge.receivers import receiving
from tests.edge.test_lost_file import UP, again, report, rows, watched


def loop(folder: Path) -> None:
    (folder / "edge.db").symlink_to("edge.db")


def loop_of_two(folder: Path) -> None:
    (folder / "edge.db").symlink_to("other.db")
    (folder / "other.db").symlink_to("edge.db")


def make_a_folder(folder: Path) -> None:
    (folder / "edge.db").mkdir()


@pytest.mark.parametrize(
    "block", [loop, loop_of_two, make_a_folder], ids=lambda each: each.__name__
)
def test_file_whose_place_was_taken_by_what_is_none_is_gone_on_with_when_it_is_back(
    tmp_path: Path, block: Callable[[Path], None]
) -> None:
    path, away = tmp_path / "edge.db", tmp_path / "away"

    async def scenario() -> None:
        async with watched(tmp_path) as (edge, pauses):
            pauses.go_on.set()
            await report(edge, 1)
            path.rename(away)
            block(tmp_path)
            for _ in range(20):
                await asyncio.sleep(0.01)
                assert await report(edge, 2) == 503
            assert UP % "0.0" in await edge.page()
            if path.is_symlink():
                path.unlink()
            else:
                path.rmdir()
            away.rename(path)
            await again(edge, 2)
            assert UP % "1.0" in await edge.page()
        assert damaged_files(path) == []
        assert rows(path, "SELECT message_id FROM reports") == ["m-1", "m-2"]

    asyncio.run(scenario())


def test_page_has_all_else_to_tell_when_nobody_may_look_at_the_journal(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    size, damaged = "streaming_edge_journal_size_bytes ", "streaming_edge_journal_damaged_files "

    async def scenario() -> None:
        async with receiving(folder) as edge:
            await report(edge, 1)
            page = await edge.page()
            assert size in page
            assert f"{damaged}0.0\n" in page
            with forbidden(folder):
                page = await edge.page()
            assert size not in page
            assert damaged not in page
            assert "streaming_edge_reports_total" in page
            assert "streaming_job_info" in page

    asyncio.run(scenario())


@contextlib.contextmanager
def forbidden(folder: Path) -> Iterator[None]:
    """Be somebody who may not enter the folder."""
    user = os.geteuid()
    folder.chmod(0)
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)
        folder.chmod(0o700)
