"""Put times, amounts and foreign texts into words that people read at a glance."""

import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime

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


def moment(timestamp: float | None, now: float) -> Moment | None:
    """Describe a time as seen from now; None when it is unknown or beyond any calendar."""
    if timestamp is None or not 0 <= timestamp <= _LATEST:
        return None
    when = datetime.fromtimestamp(timestamp, tz=UTC)
    distance = now - timestamp
    relative = duration(int(abs(distance)))
    if abs(distance) < 1:
        relative = "now"
    else:
        relative = f"{relative} ago" if distance > 0 else f"in {relative}"
    return Moment(
        relative=relative,
        absolute=f"{when:%Y-%m-%d %H:%M:%S} UTC",
        machine=f"{when:%Y-%m-%dT%H:%M:%SZ}",
    )


def latency(seconds: float | None) -> str:
    """Write a duration that may be much less than a second; empty when it is unknown."""
    if seconds is None or seconds >= 1:
        return duration(seconds)
    return f"{seconds * 1000:.0f} ms"


def duration(seconds: float | None) -> str:
    """Write a duration with its two largest units; empty when it is unknown."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{seconds:.1f}".rstrip("0").rstrip(".") + " s"
    if seconds < _MINUTE:
        return f"{int(seconds)} s"
    if seconds < _HOUR:
        return (
            _two(seconds, _MINUTE, "min", 1, "s") if seconds < 10 * _MINUTE else _minutes(seconds)
        )
    if seconds < _DAY:
        return _two(seconds, _HOUR, "h", _MINUTE, "min")
    return _two(seconds, _DAY, "d", _HOUR, "h")


def _minutes(seconds: float) -> str:
    return f"{int(seconds // _MINUTE)} min"


def _two(seconds: float, large: int, large_name: str, small: int, small_name: str) -> str:
    whole, rest = divmod(int(seconds), large)
    part = rest // small
    return f"{whole:,} {large_name}" + (f" {part} {small_name}" if part else "")


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


def share(ratio: float | None) -> str:
    """Write a share of a whole, 0 to 1, as per cent; empty when it is unknown."""
    return "" if ratio is None else f"{ratio * 100:.0f} %"


def count(amount: int, one: str, many: str = "") -> str:
    """Write how many there are of something: `1 job`, `2 jobs`."""
    return f"{amount:,} {one if amount == 1 else many or one + 's'}"


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
