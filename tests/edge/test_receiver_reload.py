"""A reload changes who may report and where it is kept, and loses nothing."""

import sqlite3
from pathlib import Path

import pytest

from exporter.errors import ConfigError
from tests.edge.receivers import PATH, PROJECT, SEED, Edge, body, with_exporter


def test_reload_keeps_the_jobs_and_can_end_receiving(tmp_path: Path) -> None:
    other = "q0000"

    async def work(edge: Edge) -> None:
        await edge.post(SEED)
        before = edge.text[0]
        edge.text[0] = before.replace(f"{{{PROJECT}:", f"{{{other}: {{token: t}}, {PROJECT}:")
        await edge.app.reload()
        assert [job["job_id"] for job in await edge.jobs()] == ["99270"]
        moved = await edge.post(SEED, path=PATH.replace(PROJECT, other), token="t")
        assert moved.status_code == 200
        edge.text[0] = before.replace(PROJECT, other)
        await edge.app.reload()
        assert [job["project"] for job in await edge.jobs()] == [other]
        assert f'project="{PROJECT}"' not in await edge.page()
        edge.text[0] = "sources: [{name: a, platform: apache_flink, endpoint: 'http://x'}]"
        await edge.app.reload()
        assert (await edge.post(SEED)).status_code == 404
        page = (await edge.client.get("/metrics")).text
        assert "streaming_edge_reports" not in page
        assert 'source="edge"' not in page
        edge.text[0] = before
        await edge.app.reload()
        assert [job["project"] for job in await edge.jobs()] == [PROJECT]

    with_exporter(tmp_path, work)


def test_reload_can_move_to_another_file(tmp_path: Path) -> None:
    async def work(edge: Edge) -> None:
        await edge.post(SEED)
        before = edge.text[0]
        edge.text[0] = before.replace("edge.db", "other.db")
        await edge.app.reload()
        assert await edge.jobs() == []
        edge.text[0] = before
        await edge.app.reload()
        assert len(await edge.jobs()) == 1

    with_exporter(tmp_path, work)


def test_reload_that_cannot_be_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    connection = sqlite3.connect(tmp_path / "theirs.db")
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()

    async def work(edge: Edge) -> None:
        await edge.post(SEED)
        before = edge.text[0]
        edge.text[0] = before.replace("edge.db", "taken")
        with pytest.raises(ConfigError, match=r"edge\.database: not a file"):
            await edge.app.reload()
        edge.text[0] = before.replace("edge.db", "theirs.db")
        with pytest.raises(ConfigError, match=r"edge\.database: .* some other program"):
            await edge.app.reload()
        assert len(await edge.jobs()) == 1
        assert (await edge.post(body(message_id="2"))).status_code == 200

    with_exporter(tmp_path, work)
