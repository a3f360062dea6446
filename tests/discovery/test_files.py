"""Files of targets are looked at each time, and read again when they changed."""

import asyncio
import os
from pathlib import Path

import pytest

from exporter.discovery.clusters import Clusters
from exporter.discovery.files import FilesDiscovery, FilesSettings
from exporter.errors import FetchError
from exporter.files import Aside, at_once


def _discovery(*paths: Path | str) -> FilesDiscovery:
    return FilesDiscovery(FilesSettings(paths=tuple(map(str, paths))), aside=at_once)


def _find(discovery: FilesDiscovery) -> Clusters:
    return asyncio.run(discovery.find())


def _names(found: Clusters) -> list[str]:
    return [cluster.name for cluster in found.living]


def _write(path: Path, *targets: str) -> None:
    path.write_text(str([{"targets": list(targets)}]).replace("'", '"'))


def test_files_of_all_patterns_are_read_in_order(tmp_path: Path) -> None:
    for name in ("b.json", "a.json", ".hidden.json", "c.yml", "d.txt"):
        _write(tmp_path / name, f"{name}:1")
    discovery = _discovery(tmp_path / "*.json", tmp_path / "[a-c].json", tmp_path / "c.yml")
    assert _names(_find(discovery)) == [".hidden.json:1", "a.json:1", "b.json:1", "c.yml:1"]
    asyncio.run(discovery.aclose())


def test_changed_new_and_deleted_files_are_noticed(tmp_path: Path) -> None:
    _write(tmp_path / "a.json", "a:1")
    discovery = _discovery(tmp_path / "*.json")
    assert _names(_find(discovery)) == ["a:1"]
    _write(tmp_path / "a.json", "a:22")
    _write(tmp_path / "b.json", "b:1")
    assert _names(_find(discovery)) == ["a:22", "b:1"]
    (tmp_path / "a.json").unlink()
    found = _find(discovery)
    assert _names(found) == ["b:1"]
    assert found.complete
    assert _names(_find(_discovery(tmp_path / "none.json"))) == []


def test_file_that_did_not_change_is_not_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    _write(path, "a:1")
    discovery = _discovery(path)
    _find(discovery)
    before = path.stat()
    with path.open("r+") as stream:
        stream.write("x")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert _names(_find(discovery)) == ["a:1"]
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert _find(discovery).failures


def test_file_that_is_broken_keeps_what_it_told_last_and_is_named(tmp_path: Path) -> None:
    _write(tmp_path / "a.json", "a:1")
    _write(tmp_path / "b.json", "b:1")
    discovery = _discovery(tmp_path / "*.json")
    _find(discovery)
    (tmp_path / "a.json").write_text('[{"targets": [')
    (tmp_path / "b.json").unlink()
    for _ in range(3):
        found = _find(discovery)
        assert _names(found) == ["a:1"]
        assert [(Path(each.name).name, each.reason) for each in found.skipped] == [
            ("a.json", "expected JSON")
        ]
        assert "a.json: expected JSON" in found.failures[0].detail
        # All that is there is known: the file that was deleted was not broken.
        assert found.complete
    _write(tmp_path / "a.json", "new:1")
    assert _names(_find(discovery)) == ["new:1"]


def test_file_that_was_never_understood_leaves_the_look_incomplete(tmp_path: Path) -> None:
    _write(tmp_path / "a.json", "a:1")
    (tmp_path / "b.json").write_text("{}")
    (tmp_path / "c.json").mkdir()
    found = _find(_discovery(tmp_path / "*.json"))
    assert _names(found) == ["a:1"]
    assert not found.complete
    assert [each.reason for each in found.skipped] == [
        "expected a list of groups of targets",
        "is a directory",
    ]


def test_look_fails_when_no_file_can_be_understood(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(FetchError, match=r"a\.json: expected a list of groups"):
        _find(_discovery(tmp_path / "*.json"))


@pytest.mark.parametrize("name", ["*.json", "x.json"])
def test_look_fails_when_the_folder_cannot_be_listed(name: str, tmp_path: Path) -> None:
    """Nobody knows then which files there are: a folder that is not mounted deletes nothing."""
    with pytest.raises(FetchError, match="No such file or directory"):
        _find(_discovery(tmp_path / "none" / name))


def test_too_large_a_file_is_named(tmp_path: Path) -> None:
    with (tmp_path / "a.json").open("wb") as stream:
        stream.truncate(17 * 1024 * 1024)
    with pytest.raises(FetchError, match=r"a\.json: larger than 16 MiB"):
        _find(_discovery(tmp_path / "*.json"))


def test_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.json")
    with pytest.raises(FetchError, match="not a regular file"):
        _find(_discovery(tmp_path / "*.json"))


def test_too_many_files_are_an_error(tmp_path: Path) -> None:
    for number in range(1001):
        (tmp_path / f"{number}.json").write_text("[]")
    with pytest.raises(FetchError, match="more than 1000 files of targets"):
        _find(_discovery(tmp_path / "*.json"))


def test_files_are_read_off_the_event_loop(tmp_path: Path) -> None:
    """A YAML of a megabyte takes longer than the loop may be held up."""
    lines = [f"- targets: ['jm-{number}:8081']\n" for number in range(20_000)]
    (tmp_path / "a.yml").write_text("".join(lines))
    discovery = FilesDiscovery(
        FilesSettings(paths=(str(tmp_path / "a.yml"),)), aside=Aside(patience=120)
    )

    async def scenario() -> tuple[int, int]:
        turns = 0
        looking = asyncio.create_task(discovery.find())
        while not looking.done():
            await asyncio.sleep(0.002)
            turns += 1
        return len(looking.result().living), turns

    found, turns = asyncio.run(scenario())
    assert found == 20_000
    assert turns > 10
