"""Secrets show nowhere, and follow the file they are kept in."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.secret import MASK, FileSecret, Secret, TextSecret

HIDDEN = "hunter2-never-shown"
MOMENT_NS = 1_700_000_000_000_000_000


def _text(_: Path) -> Secret:
    return TextSecret(HIDDEN)


def _file(folder: Path) -> Secret:
    path = folder / "secret"
    path.write_text(HIDDEN)
    return FileSecret(path)


def _write(path: Path, text: str, moment_ns: int) -> None:
    """Write a file and date it, since two writes can fall into one tick of the file system."""
    path.write_bytes(text.encode())
    os.utime(path, ns=(moment_ns, moment_ns))


@pytest.mark.parametrize("make", [_text, _file])
def test_secret_shows_only_its_mask_whatever_way_it_is_written(
    make: Callable[[Path], Secret], tmp_path: Path
) -> None:
    secret = make(tmp_path)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r}",
        f"{[secret]}",
        f"{ {1: secret} }",
    ]
    assert all(MASK in text for text in shown)
    assert not any(HIDDEN in text for text in shown)
    assert secret.reveal() == HIDDEN


@pytest.mark.parametrize("make", [_text, _file])
def test_secret_has_no_attributes_that_a_debugger_dump_would_walk(
    make: Callable[[Path], Secret], tmp_path: Path
) -> None:
    assert not hasattr(make(tmp_path), "__dict__")


def test_text_secrets_are_equal_when_their_texts_are() -> None:
    assert TextSecret("a") == TextSecret("a")
    assert TextSecret("a") != TextSecret("b")
    assert TextSecret("a") != "a"
    assert len({TextSecret("a"), TextSecret("a"), TextSecret("b")}) == 2


def test_file_secrets_are_equal_when_their_files_are(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_text("same")
    one, again = FileSecret(tmp_path / "one"), FileSecret(tmp_path / "one")
    assert one == again
    assert one != FileSecret(tmp_path / "two")
    assert one != TextSecret("same")
    assert len({one, again, FileSecret(tmp_path / "two")}) == 2


def test_file_secret_drops_white_space_at_its_end_only(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("  a b\t\r\n\n")
    assert FileSecret(path).reveal() == "  a b"


def test_file_secret_is_read_again_when_the_file_changes(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    _write(path, "first", MOMENT_NS)
    secret = FileSecret(path)
    _write(path, "other", MOMENT_NS + 1)
    assert secret.reveal() == "other"


def test_file_secret_is_not_read_again_while_its_file_looks_the_same(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    _write(path, "first", MOMENT_NS)
    secret = FileSecret(path)
    _write(path, "other", MOMENT_NS)
    assert secret.reveal() == "first"
    _write(path, "third", MOMENT_NS + 1)
    assert secret.reveal() == "third"
    _write(path, "other", MOMENT_NS + 1)
    assert secret.reveal() == "third"


def test_file_secret_is_read_again_when_only_its_size_changes(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    _write(path, "first", MOMENT_NS)
    secret = FileSecret(path)
    _write(path, "second", MOMENT_NS)
    assert secret.reveal() == "second"


def test_file_secret_is_read_again_when_the_file_is_replaced(tmp_path: Path) -> None:
    path, successor = tmp_path / "secret", tmp_path / "successor"
    _write(path, "first", MOMENT_NS)
    secret = FileSecret(path)
    _write(successor, "other", MOMENT_NS)
    successor.rename(path)
    assert secret.reveal() == "other"


def test_file_secret_follows_a_link_as_kubernetes_turns_it(tmp_path: Path) -> None:
    for name in ("v1", "v2"):
        (tmp_path / name).mkdir()
        _write(tmp_path / name / "secret", name, MOMENT_NS)
    data = tmp_path / "data"
    data.symlink_to("v1")
    secret = FileSecret(data / "secret")
    (tmp_path / "next").symlink_to("v2")
    (tmp_path / "next").rename(data)
    assert secret.reveal() == "v2"


def test_file_secret_keeps_its_last_value_when_the_file_is_gone_for_a_moment(
    tmp_path: Path,
) -> None:
    path = tmp_path / "secret"
    _write(path, "first", MOMENT_NS)
    secret = FileSecret(path)
    path.unlink()
    assert secret.reveal() == "first"
    _write(path, "back", MOMENT_NS + 5)
    assert secret.reveal() == "back"


def test_file_secret_keeps_its_last_value_when_the_file_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    _write(path, "first", MOMENT_NS)
    secret = FileSecret(path)
    path.write_bytes(b"\xff\xfe")
    assert secret.reveal() == "first"
    _write(path, "mended", MOMENT_NS + 9)
    assert secret.reveal() == "mended"


def test_file_secret_cannot_be_made_when_the_file_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        FileSecret(tmp_path / "absent")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(UnicodeDecodeError):
        FileSecret(tmp_path / "binary")
