"""Files of secrets are looked at each second, and of one that hangs nobody else hears."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

from exporter.auth.secret_watch import SecretWatch
from exporter.auth.settings import BearerSettings
from exporter.files import Aside
from exporter.process.condition_log import ConditionLog
from exporter.runtime import Runtime
from exporter.secret import FileSecret
from exporter.settings import Section
from tests.process.test_condition_log import Journal


class Dead(FileSecret):
    """A secret in a file on a server that has gone."""

    __slots__ = ("asked", "back")

    def __init__(self, path: Path, asked: list[str], back: threading.Event) -> None:
        super().__init__(path)
        self.asked = asked
        self.back = back

    def look(self) -> str:
        self.asked.append(self.path.name)
        self.back.wait()
        return super().look()


def section(secret: FileSecret) -> BearerSettings:
    return BearerSettings.model_construct(token_file=secret)


def test_file_that_hangs_is_looked_at_once_for_all_and_others_go_on(tmp_path: Path) -> None:
    dead, alive = tmp_path / "dead", tmp_path / "alive"
    dead.write_text("old")
    alive.write_text("old")
    asked: list[str] = []
    back = threading.Event()
    theirs = [Dead(dead, asked, back) for _ in range(9)]
    mine = FileSecret(alive)
    journal = Journal()

    async def scenario() -> None:
        runtime = Runtime(aside=Aside(patience=0.02), sleep=lambda _: asyncio.sleep(0.002))
        names: dict[str, Section] = {f"source {n}": section(each) for n, each in enumerate(theirs)}
        sections = {**names, "mine": section(mine)}
        watch = SecretWatch(lambda: sections, runtime=runtime, conditions=ConditionLog(journal))
        watching = asyncio.create_task(watch.keep_looking())
        # Many times as long as a look is waited for.
        await asyncio.sleep(0.5)
        assert asked == ["dead"]
        dead.write_text("new")
        alive.write_text("new")
        await until(lambda: mine.reveal() == "new")
        assert {each.reveal() for each in theirs} == {"old"}
        back.set()
        await until(lambda: {each.reveal() for each in theirs} == {"new"})
        await until(lambda: any(line[0] == "info" for line in journal.lines))
        watching.cancel()

    asyncio.run(scenario())
    (_, event, facts), *_ = journal.said()
    assert event == "a secret file cannot be used, keeping the secret that it held"
    assert facts == {"source": "source 0", "file": str(dead), "detail": "no answer within 0 s"}


async def until(true: Callable[[], bool]) -> None:
    for _ in range(1000):
        if true():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never came to that")
