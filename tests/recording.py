"""Keep what would be logged."""

from typing import Any


class RecordingLog:
    """Keeps the lines that would be logged."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, dict[str, Any]]] = []
        self._facts: dict[str, Any] = {}

    def bind(self, **facts: Any) -> "RecordingLog":
        """Return a log that writes into this one, with these facts on each line."""
        bound = RecordingLog()
        bound.lines = self.lines
        bound._facts = {**self._facts, **facts}
        return bound

    def debug(self, event: str, **facts: Any) -> None:
        self.lines.append(("debug", event, {**self._facts, **facts}))

    def info(self, event: str, **facts: Any) -> None:
        self.lines.append(("info", event, {**self._facts, **facts}))

    def warning(self, event: str, **facts: Any) -> None:
        self.lines.append(("warning", event, {**self._facts, **facts}))

    def error(self, event: str, **facts: Any) -> None:
        self.lines.append(("error", event, {**self._facts, **facts}))

    def said(self) -> list[str]:
        return [event for level, event, _ in self.lines if level != "debug"]
