"""Files are read without waiting, and no more of them than was said."""

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import TypeVar

import pytest

from exporter.auth.cached_file import CachedFile, parse_ini
from exporter.errors import ConfigError, CredentialError
from exporter.files import Aside, at_once, in_memory, read, read_text
from exporter.source import TlsSettings
from exporter.upstream.connector import ssl_context

T = TypeVar("T")


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _sparse(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(2 * 1024**3)


def _folder(path: Path) -> None:
    path.mkdir()


def _says_nothing(path: Path) -> None:
    """Make a file that says that it is empty and is not, as those of the kernel do."""
    path.symlink_to("/proc/self/smaps")


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (_fifo, "not a regular file"),
        (_device, "not a regular file"),
        (_sparse, "larger than 4 KiB"),
        (_says_nothing, "larger than 4 KiB"),
        (_folder, "Is a directory"),
        (lambda _: None, "No such file or directory"),
    ],
)
def test_what_is_no_file_is_told_at_once(
    tmp_path: Path, make: Callable[[Path], None], problem: str
) -> None:
    path = tmp_path / "file"
    make(path)
    started = time.monotonic()
    with pytest.raises(OSError, match=problem):
        read(path, 4096)
    assert time.monotonic() - started < 2


def test_name_that_cannot_be_one_is_an_error_like_others() -> None:
    with pytest.raises(OSError, match="not the name of a file"):
        read(Path("a\0b"), 10)


def test_pipe_is_read_to_its_end_for_whoever_waits(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    thread = threading.Thread(target=lambda: path.write_bytes(b"\xef\xbb\xbftext"))
    thread.start()
    assert read_text(path, 100, waits=True) == "text"
    thread.join()
    thread = threading.Thread(target=lambda: path.write_bytes(b"x" * 101))
    thread.start()
    with pytest.raises(OSError, match="larger than 0 KiB"):
        read(path, 100, waits=True)
    thread.join()


def test_content_of_just_the_bound_is_read_and_no_descriptor_is_left(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 100)
    before = os.listdir("/proc/self/fd")
    assert read(path, 100) == b"x" * 100
    with pytest.raises(OSError, match="larger"):
        read(path, 99)
    with in_memory(b"pem", path) as name:
        assert Path(name).read_bytes() == b"pem"
    assert os.listdir("/proc/self/fd") == before


@pytest.mark.parametrize("make", [_fifo, _device, _sparse])
def test_profile_file_that_became_something_else_is_a_failed_login(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    path = tmp_path / "credentials"
    path.write_text("[basic]\nak = a\nsk = b\n")
    file = CachedFile(path, parse_ini, aside=at_once)
    assert asyncio.run(file.read()) == {"basic": {"ak": "a", "sk": "b"}}
    path.unlink()
    make(path)
    with pytest.raises(CredentialError, match=r"not a regular file|larger than 256 kib"):
        asyncio.run(file.read())


@pytest.mark.parametrize("make", [_fifo, _device, _sparse])
def test_authorities_that_became_something_else_are_an_error(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("")
    settings = TlsSettings.model_validate({"ca_file": str(path)})
    path.unlink()
    make(path)
    with pytest.raises(ConfigError, match=r"tls\.ca_file: (not a regular file|larger than 4 MiB)"):
        ssl_context(settings)


def test_work_that_hangs_is_given_up_and_the_loop_goes_on() -> None:
    ended = threading.Event()

    async def scenario() -> None:
        aside = Aside(patience=0.05)
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.005)
                ticks += 1

        ticking = asyncio.create_task(tick())
        for _ in range(8):
            with pytest.raises(TimeoutError) as caught:
                await aside(ended.wait)
            assert caught.value.strerror == "no answer within 0 s"
        assert ticks > 3
        # They do not become more and more.
        with pytest.raises(OSError, match="too many files do not answer already"):
            await aside(lambda: True)
        ended.set()
        for _ in range(200):
            await asyncio.sleep(0.01)
            try:
                assert await aside(lambda: 7) == 7
            except OSError:
                continue
            break
        else:
            raise AssertionError("threads that ended are not counted any more")
        ticking.cancel()

    started = time.monotonic()
    asyncio.run(scenario())
    assert time.monotonic() - started < 20


def test_end_of_the_loop_does_not_wait_for_what_hangs() -> None:
    ended = threading.Event()

    async def scenario() -> None:
        with pytest.raises(TimeoutError):
            await Aside(patience=0.01)(lambda: ended.wait(60))

    started = time.monotonic()
    asyncio.run(scenario())
    assert time.monotonic() - started < 20
    ended.set()


@pytest.mark.parametrize("error", [ValueError("v"), TimeoutError("t"), ConfigError(())])
def test_what_the_work_raises_is_raised(error: Exception) -> None:
    def work() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        asyncio.run(Aside()(work))
    assert caught.value is error


def test_what_hangs_is_asked_by_one_thread_and_nobody_else_suffers() -> None:
    ended, asked = threading.Event(), list[str]()

    def hang() -> str:
        asked.append("dead")
        ended.wait()
        return "alive"

    async def scenario() -> None:
        aside = Aside(patience=0.05)
        at_once = [aside(hang, "dead") for _ in range(4)]
        first = await asyncio.gather(*at_once, return_exceptions=True)
        assert [type(each) for each in first] == [TimeoutError, OSError, OSError, OSError]
        for _ in range(20):
            with pytest.raises(OSError, match="no answer yet to whoever read it before"):
                await aside(hang, "dead")
        assert asked == ["dead"]
        assert await aside(lambda: 7, "living") == 7
        ended.set()
        assert await until_it_answers(aside, hang, "dead") == "alive"

    asyncio.run(scenario())


def test_work_of_one_thing_is_done_one_after_the_other() -> None:
    at_work, most = 0, 0

    def work() -> None:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        time.sleep(0.01)
        at_work -= 1

    async def scenario() -> None:
        # All together take longer than anybody waits for one.
        aside = Aside(patience=0.1)
        await asyncio.gather(*(aside(work, "path") for _ in range(15)))

    asyncio.run(scenario())
    assert most == 1


def test_thread_of_whoever_was_cancelled_is_counted_until_it_ends() -> None:
    ended = threading.Event()

    async def scenario() -> None:
        aside = Aside(patience=0.1)
        for of in (*[None] * 8, "path"):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await aside(ended.wait, of)
        with pytest.raises(OSError, match="too many files do not answer already"):
            await aside(lambda: True)
        with pytest.raises(OSError, match="no answer yet to whoever read it before"):
            await aside(lambda: True, "path")
        ended.set()
        assert await until_it_answers(aside, lambda: True)
        assert await until_it_answers(aside, lambda: True, "path")

    asyncio.run(scenario())


def test_whoever_was_cancelled_leaves_a_file_that_answers_to_others() -> None:
    async def scenario() -> None:
        aside = Aside()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await aside(lambda: time.sleep(0.1), "path")
        assert await aside(lambda: 7, "path") == 7

    asyncio.run(scenario())


def test_files_that_hang_are_bounded_and_take_no_other_work_away() -> None:
    ended = threading.Event()

    async def scenario() -> None:
        aside = Aside(patience=0.05)
        hanging = [aside(ended.wait, number) for number in range(64)]
        await asyncio.gather(*hanging, return_exceptions=True)
        with pytest.raises(OSError, match="too many files do not answer already"):
            await aside(lambda: True, "another")
        assert await aside(lambda: True)
        ended.set()
        assert await until_it_answers(aside, lambda: True, "another")

    asyncio.run(scenario())


async def until_it_answers(aside: Aside, work: Callable[[], T], of: Hashable = None) -> T:
    for _ in range(500):
        await asyncio.sleep(0.01)
        with contextlib.suppress(OSError):
            return await aside(work, of)
    raise AssertionError("threads that ended are still counted")
