"""Set up the log: one line an event, logfmt or JSON, on standard error.

The HTTP libraries log whole URLs and headers; they are kept at WARNING whatever level is asked
for, because a signature or a key id in a URL is nobody's business.
"""

import logging
import re
import sys
import time
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO, cast

import structlog

from exporter.pacing import Clock
from exporter.process.condition_log import Log
from exporter.process.log_writer import LOST, LogWriter

LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("logfmt", "json")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_REPEATED_AFTER = 60.0
"""Seconds after which a library may say the same once more."""
_TALKATIVE = ("httpx", "httpcore", "asyncio", "uvicorn", "uvicorn.error", "uvicorn.access")


def build_log(level: str, form: str, stream: TextIO | LogWriter | None = None) -> Log:
    """Return a logger that writes events of at least `level` in the format asked for.

    A writer that can lose lines says in the same format that it has.
    """
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.processors.LogfmtRenderer(
            key_order=("time", "level", "event"), drop_missing=True
        )
    )
    processors: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _single_line,
        renderer,
    ]

    def notice(lines: int) -> str:
        event: Any = {"event": LOST, "lines": lines}
        for processor in processors:
            event = processor(None, "warning", event)
        return str(event)

    if isinstance(stream, LogWriter):
        stream.tell_losses(notice)
    log = structlog.wrap_logger(
        structlog.WriteLogger(cast("TextIO", stream or sys.stderr)),
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
    return cast("Log", log)


def quiet_libraries(log: Log, *, monotonic: Clock = time.monotonic) -> None:
    """Send what libraries have to say, from warnings on, to our log in our format.

    Each of their sentences is said once a minute at most.
    """
    handler = _Forward(log, monotonic)
    for name in _TALKATIVE:
        library = logging.getLogger(name)
        library.handlers = [handler]
        library.setLevel(logging.WARNING)
        library.propagate = False


def quiet_all(log: Log, *, monotonic: Clock = time.monotonic) -> None:
    """Do the same for every library there is, and for Python's own warnings.

    This changes the whole process: what has no handler would be written to standard error by the
    logging library itself.
    """
    quiet_libraries(log, monotonic=monotonic)
    logging.getLogger().handlers = [_Forward(log, monotonic)]
    logging.captureWarnings(True)


class _Forward(logging.Handler):
    """Pass a library's warning on without its traceback, which could quote a request."""

    def __init__(self, log: Log, monotonic: Clock) -> None:
        super().__init__(logging.WARNING)
        self._log = log
        self._monotonic = monotonic
        self._said: dict[tuple[str, str], float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record of the standard library's logging."""
        if not self._is_news(record):
            return
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        facts = {"library": record.name} | ({"exception": kind} if kind else {})
        text = record.getMessage().splitlines()
        self._log.warning(text[0] if text else "", **facts)

    def _is_news(self, record: logging.LogRecord) -> bool:
        # Without a file descriptor left, asyncio says so eight thousand times a second: the log
        # would fill the disk as well.
        now = self._monotonic()
        self._said = {each: at for each, at in self._said.items() if now - at < _REPEATED_AFTER}
        key = (record.name, str(record.msg).partition("\n")[0])
        if key in self._said:
            return False
        self._said[key] = now
        return True


def _single_line(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Keep each event on one line: texts from outside must neither forge nor erase others."""
    return {
        key: _CONTROL.sub(" ", value) if isinstance(value, str) else value
        for key, value in event.items()
    }
