"""Date what Oceanus tells: its times are texts without a zone. Everything here is pure.

Start-up logs in the vendor's own examples are in UTC+8, but nothing says so of every region. How
long a run has lasted needs no zone, though: a running job tells it beside its StartTime, and the
two together tell the zone. Until a running job has been seen times are unknown, unless `time_zone`
is set.
"""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone

_TEXT = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}", re.ASCII)
_OFFSET = re.compile(r"([+-])(\d{2}):(\d{2})", re.ASCII)
_STEP = 900.0
"""Seconds: all zones are whole quarters of an hour from UTC."""
_AGREES = 60.0
"""Seconds by which the two ways to tell a start may differ: answers are kept for a while."""
_WEST, _EAST = -12 * 3600, 14 * 3600


def read_offset(text: str) -> int:
    """Return `+08:00` as seconds east of UTC; raises ValueError when it is no offset."""
    match = _OFFSET.fullmatch(text)
    if match is None:
        raise ValueError("expected an offset from UTC such as +08:00")
    seconds = int(match[2]) * 3600 + int(match[3]) * 60
    seconds = -seconds if match[1] == "-" else seconds
    if not _WEST <= seconds <= _EAST or seconds % _STEP:
        raise ValueError("expected an offset from UTC such as +08:00")
    return seconds


def read_moment(text: str, offset: int) -> float | None:
    """Read a time of a zone so many seconds east of UTC as epoch seconds; None when it is none."""
    if not _TEXT.fullmatch(text):
        return None
    zone = timezone(timedelta(seconds=offset)) if offset else UTC
    try:
        moment = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=zone)
    except ValueError:
        return None
    # The year 1, or the beginning of all clocks, is how no time is written.
    seconds = moment.timestamp()
    return seconds if seconds > 86400 else None


class Zone:
    """Find out in which zone an account's times are, from its running jobs."""

    def __init__(self, offset: int | None = None) -> None:
        """Take the zone as it was set, or None to find it out."""
        self._set = offset
        self._votes: Counter[int] = Counter()

    @property
    def offset(self) -> int | None:
        """Return seconds east of UTC; None while nobody knows."""
        if self._set is not None or not self._votes:
            return self._set
        # A run that began anew by itself began after its StartTime, never before: where two zones
        # have as many votes the eastern one is right.
        return max(self._votes, key=lambda each: (self._votes[each], each))

    def note(self, start_text: str, began: float) -> None:
        """Take note of a running job: its StartTime, and when its run began (epoch seconds)."""
        moment = read_moment(start_text, 0)
        if moment is None:
            return
        offset = round((moment - began) / _STEP) * int(_STEP)
        if _WEST <= offset <= _EAST and abs(moment - began - offset) <= _AGREES:
            self._votes[offset] += 1

    def read(self, text: str) -> float | None:
        """Read a time; None when it is none, or its zone is not known."""
        offset = self.offset
        return None if offset is None else read_moment(text, offset)


def agree(one: float | None, other: float | None) -> bool:
    """Say whether two times can be the same moment, told in two ways."""
    return one is not None and other is not None and abs(one - other) <= _AGREES
