"""Look at the files of secrets again and again, so that rotated ones are used.

A file can be on a server that does not answer, so nobody who needs the secret waits for it: it is
read beside, and what it held last is used.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from exporter.process.condition_log import ConditionLog, trail
from exporter.runtime import Runtime
from exporter.secret import FileSecret
from exporter.settings import Section, file_secrets

LOOK_EVERY = 1.0
"""Seconds between two looks at a file."""
_FAULT = "a look at secret files ended unexpectedly"
_EVENT = "a secret file cannot be used, keeping the secret that it held"


_Kept = tuple[str, FileSecret]
"""The name of a section, and a secret of it."""


class SecretWatch:
    """Watches the secrets of all sections that are in use, each file for itself."""

    def __init__(
        self,
        sections: Callable[[], Mapping[str, Section]],
        *,
        runtime: Runtime,
        conditions: ConditionLog,
    ) -> None:
        self._sections = sections
        self._runtime = runtime
        self._conditions = conditions
        self._looks: dict[Path, asyncio.Task[None]] = {}

    def needed(self) -> bool:
        """Say whether any section keeps a secret in a file."""
        return any(True for _ in file_secrets(dict(self._sections())))

    async def keep_looking(self) -> None:
        """Look at all files every second until cancelled."""
        try:
            while True:
                await self._runtime.sleep(LOOK_EVERY)
                kept: dict[Path, list[_Kept]] = {}
                for name, section in self._sections().items():
                    for secret in file_secrets(section):
                        kept.setdefault(secret.path, []).append((name, secret))
                for path, secrets in kept.items():
                    self._begin(path, secrets)
        finally:
            for task in self._looks.values():
                task.cancel()

    def _begin(self, path: Path, kept: list[_Kept]) -> None:
        # Where the last look has not ended nothing would be gained by another one.
        if path not in self._looks:
            task = asyncio.create_task(self._look(path, kept), name=f"secret in {path}")
            self._looks[path] = task
            task.add_done_callback(lambda task: self._looked(path, task))

    def _looked(self, path: Path, task: asyncio.Task[None]) -> None:
        self._looks.pop(path, None)
        if not task.cancelled() and (exc := task.exception()) is not None:
            # The next look is another task.
            self._conditions.once(_FAULT, file=str(path), detail=trail(exc))

    async def _look(self, path: Path, kept: list[_Kept]) -> None:
        try:
            # While a look hangs that nobody waits for any more, the next one is refused.
            look = partial(_look_at_all, kept)
            problems = await self._runtime.aside(look, path)
        except OSError as exc:
            problems = [exc.strerror or "cannot be read"] * len(kept)
        for (name, _), problem in zip(kept, problems, strict=True):
            condition = f"secret {name} {path}"
            if problem:
                file = str(path)
                self._conditions.began(condition, _EVENT, source=name, file=file, detail=problem)
            else:
                self._conditions.ended(condition, f"secret file {path} can be used again")


def _look_at_all(kept: list[_Kept]) -> list[str]:
    return [secret.look() for _, secret in kept]
