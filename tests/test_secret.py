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


def _seen(secret: FileSecret) -> str:
    """Return the secret after another look at its file."""
    secret.look()
    return secret.reveal()


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
    assert _seen(secret) == "other"


def test_file_secret_is_read_again_though_the_file_looks_the_same(tmp_path: Path) -> None:
    """As after `cp --preserve`, or two writes within one tick of the file system's clock."""
    path = tmp_path / "secret"
    _write(path, "first", MOMENT_NS)
    secret = FileSecret(path)
    _write(path, "other", MOMENT_NS)
    assert secret.reveal() == "first"
    assert _seen(secret) == "other"


def test_file_secret_is_read_again_when_only_its_size_changes(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    _write(path, "first", MOMENT_NS)
    secret = FileSecret(path)
    _write(path, "second", MOMENT_NS)
    assert _seen(secret) == "second"


def test_file_secret_is_read_again_when_the_file_is_replaced(tmp_path: Path) -> None:
    path, successor = tmp_path / "secret", tmp_path / "successor"
    _write(path, "first", MOMENT_NS)
    secret = FileSecret(path)
    _write(successor, "other", MOMENT_NS)
    successor.rename(path)
    assert _seen(secret) == "other"


def test_file_secret_follows_a_link_as_kubernetes_turns_it(tmp_path: Path) -> None:
    for name in ("v1", "v2"):
        (tmp_path / name).mkdir()
        _write(tmp_path / name / "secret", name, MOMENT_NS)
    data = tmp_path / "data"
    data.symlink_to("v1")
    secret = FileSecret(data / "secret")
    (tmp_path / "next").symlink_to("v2")
    (tmp_path / "next").rename(data)
    assert _seen(secret) == "v2"


def test_file_secret_keeps_its_last_value_when_the_file_is_gone_for_a_moment(
    tmp_path: Path,
) -> None:
    path = tmp_path / "secret"
    _write(path, "first", MOMENT_NS)
    secret = FileSecret(path)
    path.unlink()
    assert _seen(secret) == "first"
    _write(path, "back", MOMENT_NS + 5)
    assert _seen(secret) == "back"


def test_file_secret_keeps_its_last_value_when_the_file_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    _write(path, "first", MOMENT_NS)
    secret = FileSecret(path)
    path.write_bytes(b"\xff\xfe")
    assert _seen(secret) == "first"
    _write(path, "mended", MOMENT_NS + 9)
    assert _seen(secret) == "mended"


def test_file_secret_cannot_be_made_when_the_file_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        FileSecret(tmp_path / "absent")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(UnicodeDecodeError):
        FileSecret(tmp_path / "binary")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "the file is empty"),
        (b" \r\n\t\n", "the file is empty"),
        (b"\xef\xbb\xbf\n", "the file is empty"),
        (bytes(5), "the file holds zero bytes"),
        (b"sec\0ret", "the file holds zero bytes"),
        (b"x" * 65537, "larger than 64 KiB"),
        (b"\xff\xfes\0", "not a UTF-8 text file"),
    ],
)
def test_file_that_holds_no_secret_is_none_at_the_start_and_changes_none_later(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    with pytest.raises((OSError, UnicodeDecodeError)):
        FileSecret(path)
    path.write_text("good")
    secret = FileSecret(path)
    path.write_bytes(content)
    assert secret.look() == problem
    assert secret.reveal() == "good"
    path.write_text("better")
    assert secret.look() == ""
    assert secret.reveal() == "better"


def test_byte_order_mark_is_not_part_of_a_secret(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"\xef\xbb\xbfsecret\r\n")
    assert FileSecret(path).reveal() == "secret"


def test_file_that_became_a_pipe_or_a_huge_one_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("good")
    secret = FileSecret(path)
    path.unlink()
    os.mkfifo(path)
    assert secret.look() == "not a regular file"
    path.unlink()
    with path.open("wb") as stream:
        stream.truncate(2 * 1024**3)
    assert secret.look() == "larger than 64 KiB"
    path.unlink()
    path.mkdir()
    assert secret.look() == "Is a directory"
    path.rmdir()
    assert secret.look() == "No such file or directory"
    assert secret.reveal() == "good"
