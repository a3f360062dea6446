"""Look at the files of secrets again and again, so that rotated ones are used.

A file can be on a server that does not answer, so nobody who needs the secret waits for it: it is
read beside, and what it held last is used.
"""

import asyncio
from collections.abc import Callable, Mapping

from exporter.process.condition_log import ConditionLog, trail
from exporter.runtime import Runtime
from exporter.secret import FileSecret
from exporter.settings import Section, file_secrets

LOOK_EVERY = 1.0
"""Seconds between two looks at a file."""
_FAULT = "a look at secret files ended unexpectedly"
_EVENT = "a secret file cannot be used, keeping the secret that it held"


class SecretWatch:
    """Watches the secrets of all sections that are in use, each section for itself."""

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
        self._looks: dict[str, asyncio.Task[None]] = {}

    def needed(self) -> bool:
        """Say whether any section keeps a secret in a file."""
        return any(True for _ in file_secrets(dict(self._sections())))

    async def keep_looking(self) -> None:
        """Look at all files every second until cancelled."""
        try:
            while True:
                await self._runtime.sleep(LOOK_EVERY)
                for name, section in self._sections().items():
                    self._begin(name, tuple(file_secrets(section)))
        finally:
            for task in self._looks.values():
                task.cancel()

    def _begin(self, name: str, secrets: tuple[FileSecret, ...]) -> None:
        # Where the last look has not ended nothing would be gained by another one.
        if secrets and name not in self._looks:
            task = asyncio.create_task(self._look(name, secrets), name=f"secrets of {name}")
            self._looks[name] = task
            task.add_done_callback(lambda task: self._looked(name, task))

    def _looked(self, name: str, task: asyncio.Task[None]) -> None:
        self._looks.pop(name, None)
        if not task.cancelled() and (exc := task.exception()) is not None:
            # The next look is another task.
            self._conditions.once(_FAULT, source=name, detail=trail(exc))

    async def _look(self, name: str, secrets: tuple[FileSecret, ...]) -> None:
        try:
            problems = await self._runtime.aside(lambda: [each.look() for each in secrets])
        except OSError as exc:
            problems = [exc.strerror or "cannot be read"] * len(secrets)
        for secret, problem in zip(secrets, problems, strict=True):
            condition = f"secret {name} {secret.path}"
            if problem:
                file = str(secret.path)
                self._conditions.began(condition, _EVENT, source=name, file=file, detail=problem)
            else:
                self._conditions.ended(condition, f"secret file {secret.path} can be used again")
