"""Put times, amounts and foreign texts into words that people read at a glance."""

import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime

from exporter.pages.reader import Reader
from exporter.pages.texts.words import Words

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_LATEST = 253402300799.0
"""The last second that a calendar of four-digit years can show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A point in time, for the eye and for machines."""

    relative: str
    """`3 min ago`, `in 5 s`."""
    absolute: str
    """`2023-11-14 22:13:20 UTC`."""
    machine: str
    """The value of a `datetime` attribute."""


def moment(timestamp: float | None, reader: Reader) -> Moment | None:
    """Describe a time as a reader sees it; None when it is unknown or beyond any calendar."""
    if timestamp is None or not 0 <= timestamp <= _LATEST:
        return None
    when = datetime.fromtimestamp(timestamp, tz=UTC)
    return Moment(
        relative=_relative(reader.now - timestamp, reader.words),
        absolute=f"{when:%Y-%m-%d %H:%M:%S} UTC",
        machine=f"{when:%Y-%m-%dT%H:%M:%SZ}",
    )


def _relative(distance: float, words: Words) -> str:
    if abs(distance) < 1:
        return words["now"]
    away = duration(int(abs(distance)), words)
    return words.say("ago" if distance > 0 else "ahead", duration=away)


def latency(seconds: float | None, words: Words) -> str:
    """Write a duration that may be much less than a second; empty when it is unknown."""
    if seconds is None or seconds >= 1:
        return duration(seconds, words)
    return words.say("milliseconds", count=f"{seconds * 1000:.0f}")


def duration(seconds: float | None, words: Words) -> str:
    """Write a duration with its two largest units; empty when it is unknown."""
    if seconds is None:
        return ""
    if seconds < 10:
        return words.say("seconds", count=f"{seconds:.1f}".rstrip("0").rstrip("."))
    if seconds < _MINUTE:
        return words.say("seconds", count=int(seconds))
    if seconds < 10 * _MINUTE:
        return _two(divmod(int(seconds), _MINUTE), "minutes", "minutes_seconds", words)
    if seconds < _HOUR:
        return words.say("minutes", count=int(seconds // _MINUTE))
    if seconds < _DAY:
        return _two(divmod(int(seconds) // _MINUTE, 60), "hours", "hours_minutes", words)
    return _two(divmod(int(seconds) // _HOUR, 24), "days", "days_hours", words)


def _two(parts: tuple[int, int], whole: str, with_rest: str, words: Words) -> str:
    count, rest = parts
    return words.say(with_rest if rest else whole, count=f"{count:,}", rest=rest)


def size(count: float | None) -> str:
    """Write a number of bytes; empty when it is unknown."""
    if count is None:
        return ""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def number(value: float | None) -> str:
    """Write a number, grouped by thousands; empty when it is unknown."""
    return "" if value is None else f"{value:,.10g}"


def share(ratio: float | None, words: Words) -> str:
    """Write a share of a whole, 0 to 1, as per cent; empty when it is unknown."""
    return "" if ratio is None else words.say("share", percent=f"{ratio * 100:.0f}")


def visible(text: str) -> str:
    """Show the characters that would hide or reverse others, as their code points.

    A name with a right-to-left override reads as another name; nothing legitimate needs one.
    """
    if text.isprintable():
        return text
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return character
    return f"‹U+{ord(character):04X}›"


def shorten(text: str, length: int) -> str:
    """Return the text on one line, cut to a length with an ellipsis when it is longer."""
    # Only the beginning can be needed: a stack trace holds many thousand words.
    line = " ".join(text[: 4 * length].split())
    return line if len(line) <= length else f"{line[: length - 1]}…"
