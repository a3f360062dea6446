"""Say each thing once: one log line when a condition begins, one when it ends.

A source that is down for a night must not fill the log with the same line every thirty seconds, nor
must a field that can never be read.
"""

import traceback
from collections.abc import Iterable
from typing import Any, Protocol

_MOST_REMEMBERED = 1000
"""Conditions remembered per source; beyond that new ones go unsaid rather than fill memory."""


class Log(Protocol):
    """What is needed of a structlog logger."""

    def bind(self, **facts: Any) -> "Log":
        """Return a log whose every line carries these facts."""

    def debug(self, event: str, **facts: Any) -> Any:
        """Note something for someone who looks for it."""

    def info(self, event: str, **facts: Any) -> Any:
        """Note that something is as it should be."""

    def warning(self, event: str, **facts: Any) -> Any:
        """Note that something is not as it should be."""

    def error(self, event: str, **facts: Any) -> Any:
        """Note that something needs a person."""


class ConditionLog:
    """The conditions of one source that are going on."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._down: str | None = None
        self._said: set[str] = set()
        self._going_on: set[str] = set()

    def failed(self, reason: str, message: str, *, keeping: bool = True) -> None:
        """Note a failed poll: said when it is the first, or failed for another reason before.

        `keeping` is whether there are good values of an earlier one, which are shown on.
        """
        if self._down == reason:
            self._log.debug("poll failed again", reason=reason, detail=message)
            return
        self._down = reason
        kept = "keeping the last good values" if keeping else "there are no good values to keep"
        self._log.warning(f"poll failed, {kept}", reason=reason, detail=message)

    def succeeded(self) -> None:
        """Note a successful poll: said when it follows a failed one."""
        if self._down is not None:
            self._log.info("poll succeeded again", after=self._down)
            self._down = None

    def began(self, condition: str, event: str, **facts: str) -> None:
        """Note that a condition holds: said when it did not before."""
        if condition in self._going_on:
            self._log.debug(event, **facts)
            return
        self._going_on.add(condition)
        self._log.warning(event, **facts)

    def ended(self, condition: str, event: str) -> None:
        """Note that a condition does not hold: said when it did before."""
        if condition in self._going_on:
            self._going_on.remove(condition)
            self._log.info(event)

    def once(self, event: str, **facts: str) -> None:
        """Note something that need not be said a second time while the source runs."""
        key = f"{event}|{sorted(facts.items())}"
        if key in self._said or len(self._said) >= _MOST_REMEMBERED:
            self._log.debug(event, **facts)
            return
        self._said.add(key)
        self._log.warning(event, **facts)

    def all_at_once(self, event: str, key: str, values: Iterable[str]) -> None:
        """Note several things of one kind, each said once."""
        for value in sorted(set(values)):
            self.once(event, **{key: value})


def trail(exc: BaseException) -> str:
    """Describe an unexpected exception by its class and the lines it came through.

    Its text is left out: it could quote what was being read, and that can hold a secret.
    """
    frames = traceback.extract_tb(exc.__traceback__)
    places = " < ".join(
        f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}"
        for frame in reversed(frames[-8:])
    )
    return f"{type(exc).__name__} at {places}"
