"""What protects the listener follows its files, and never becomes less by accident."""

import asyncio
import os
import shutil
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import TypeVar

import pytest

from exporter.errors import ConfigError
from exporter.listening.protection import WatchedProtection
from exporter.telemetry.telemetry import Telemetry
from tests.listening.certificates import HASH, Papers, make_papers
from tests.recording import RecordingLog

T = TypeVar("T")
USERS = f"basic_auth_users: {{alice: {HASH}, bob: {HASH}}}\n"
TLS = "tls_server_config: {cert_file: server.pem, key_file: server.key}\n"


class Watch:
    """A watched file, and a clock that is moved by hand."""

    def __init__(self, folder: Path, text: str) -> None:
        self.path = folder / "web.yml"
        self.path.write_text(text)
        self.log = RecordingLog()
        self.telemetry = Telemetry()
        self.telemetry.reloaded(successful=True, now=0)
        self.now = WatchedProtection(self.path, log=self.log, outcome=self.telemetry)

    def later(self) -> None:
        self.now.look()

    def successful(self) -> float | None:
        name = "streaming_exporter_config_last_reload_successful"
        return self.telemetry.registry.get_sample_value(name)

    def users(self) -> set[str]:
        return set(self.now().users)


@pytest.fixture(name="papers", scope="module")
def _papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return make_papers(tmp_path_factory.mktemp("papers"))


@pytest.fixture(name="folder")
def _folder(papers: Papers, tmp_path: Path) -> Path:
    for path in papers.folder.glob("*.*"):
        shutil.copy(path, tmp_path)
    return tmp_path


def test_user_who_is_removed_is_none_at_the_next_look(folder: Path) -> None:
    watch = Watch(folder, USERS)
    assert watch.users() == {"alice", "bob"}
    watch.path.write_text(f"basic_auth_users: {{alice: {HASH}}}\n")
    assert watch.users() == {"alice", "bob"}
    watch.later()
    assert watch.users() == {"alice"}
    assert watch.log.said() == ["web configuration loaded"]


def test_nothing_is_read_again_while_no_file_changes(folder: Path) -> None:
    watch = Watch(folder, USERS + TLS)
    before = watch.now()
    watch.later()
    assert watch.now() is before
    assert watch.log.said() == []


@pytest.mark.parametrize("name", ["server.pem", "server.key"])
def test_certificate_is_read_again_when_its_file_is_replaced(folder: Path, name: str) -> None:
    watch = Watch(folder, TLS)
    before = watch.now().context
    (folder / "next").write_text((folder / name).read_text() + "\n")
    os.replace(folder / "next", folder / name)
    watch.later()
    assert watch.now().context is not before


def test_replacement_of_the_same_size_and_time_is_seen(folder: Path) -> None:
    watch = Watch(folder, USERS)
    found = watch.path.stat()
    watch.path.write_text(USERS.replace("bob", "eve"))
    os.utime(watch.path, ns=(found.st_atime_ns, found.st_mtime_ns))
    watch.later()
    assert watch.users() == {"alice", "eve"}


def test_broken_file_leaves_the_old_one_in_force_and_is_told_once(folder: Path) -> None:
    watch = Watch(folder, USERS)
    watch.path.write_text("basic_auth_users: {alice: no hash}\n")
    for _ in range(5):
        watch.later()
    assert watch.users() == {"alice", "bob"}
    assert [line for line in watch.log.lines if line[0] == "error"] == [
        (
            "error",
            "web configuration not loaded",
            {
                "problems": f"{watch.path}:1:27: basic_auth_users.alice: expected a bcrypt "
                "hash, such as $2y$10$ and 53 letters"
            },
        )
    ]
    assert watch.successful() == 0
    watch.path.write_text(USERS)
    watch.later()
    assert watch.log.said()[1:] == ["web configuration loaded"]
    assert watch.successful() == 1


def test_look_that_fails_unexpectedly_is_told_at_once_and_the_next_ones_go_on(
    folder: Path,
) -> None:
    watch = Watch(folder, USERS)
    looks = 0

    async def aside(work: Callable[[], T], of: Hashable = None) -> T:
        nonlocal looks
        looks += 1
        if looks in (2, 3):
            raise TypeError("what it stumbled over")
        return work()

    async def sleep(seconds: float) -> None:
        if looks == 3:
            assert watch.successful() == 0
            watch.path.write_text(f"basic_auth_users: {{alice: {HASH}}}\n")
        if looks == 4:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(watch.now.keep_looking(aside, sleep))
    assert watch.users() == {"alice"}
    assert watch.successful() == 1
    told, _ = watch.log.lines
    assert told[:2] == ("error", "web configuration not loaded")
    assert "unexpected error: TypeError at test_protection.py:" in told[2]["problems"]
    assert "stumbled" not in told[2]["problems"]


def test_certificate_whose_key_comes_later_is_used_when_it_has_come(
    folder: Path, papers: Papers
) -> None:
    watch = Watch(folder, TLS)
    before = watch.now().context
    shutil.copy(folder / "client.pem", folder / "server.pem")
    watch.later()
    assert watch.now().context is before
    shutil.copy(folder / "client.key", folder / "server.key")
    watch.later()
    assert watch.now().context is not before


def test_file_that_is_named_before_it_exists_is_found_when_it_does(folder: Path) -> None:
    watch = Watch(folder, TLS)
    before = watch.now().context
    watch.path.write_text(TLS.replace("server.pem", "new.pem"))
    watch.later()
    assert watch.now().context is before
    shutil.copy(folder / "server.pem", folder / "new.pem")
    watch.later()
    assert watch.now().context is not before


@pytest.mark.parametrize(
    ("text", "name"), [(USERS, "tls_server_config"), (TLS, "basic_auth_users")]
)
def test_protection_is_not_dropped_while_serving(folder: Path, text: str, name: str) -> None:
    watch = Watch(folder, USERS + TLS)
    before = watch.now()
    watch.path.write_text(text)
    watch.later()
    assert watch.now() is before
    (_, _, facts) = watch.log.lines[0]
    message = f"{watch.path}: {name}: no longer there; start anew to serve without it"
    assert facts == {"problems": message}


def test_file_that_is_away_for_a_moment_changes_nothing(folder: Path) -> None:
    watch = Watch(folder, USERS)
    watch.path.unlink()
    watch.later()
    assert watch.users() == {"alice", "bob"}
    watch.path.write_text(USERS.replace("bob", "eve"))
    watch.later()
    assert watch.users() == {"alice", "eve"}


def test_good_configuration_does_not_hide_that_the_listeners_is_bad(folder: Path) -> None:
    watch = Watch(folder, USERS)
    watch.path.write_text("nonsense")
    watch.later()
    watch.telemetry.reloaded(successful=True, now=1)
    assert watch.successful() == 0


def test_bad_file_at_the_start_is_an_error(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"web\.yml: expected a mapping"):
        Watch(folder, "nonsense")
