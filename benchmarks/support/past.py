"""Give a Prometheus a week of the past, by remote write: each series once, with all its samples.

Scraping a week would take one. Times and labels are as if a page had been scraped again and again;
values move a little, as real ones do, or they would take no room.
"""

import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from random import Random

from benchmarks.support.prometheus import INSTANCE, JOB, Prometheus

_LINE = re.compile(r"([a-z_:]+)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)",?')
_SERIES_AT_ONCE = 2_000
_CONTENT = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
_COUNTED = ("_total", "_bucket", "_sum", "_count")
_MOVING = ("_duration_seconds", "_delay_seconds", "_age_seconds", "_bytes")


def write(server: Prometheus, page: str, times: Sequence[float]) -> int:
    """Write the series of a page with a sample at each of the times; return how many there are."""
    writer = _Writer(times)
    waiting: list[bytes] = []
    count = 0
    for series in writer.series(page.splitlines()):
        waiting.append(series)
        count += 1
        if len(waiting) == _SERIES_AT_ONCE:
            _send(server, waiting)
    _send(server, waiting)
    return count


def _send(server: Prometheus, waiting: list[bytes]) -> None:
    body = b"".join(waiting)
    waiting.clear()
    if body:
        # One literal as long as the body: snappy without any compression.
        literal = b"\xfc" + struct.pack("<I", len(body) - 1)
        server.send("/api/v1/write", _number(len(body)) + literal + body, _CONTENT)


class _Writer:
    """Writes series as `prometheus.WriteRequest` does (prompb/remote.proto, types.proto)."""

    def __init__(self, times: Sequence[float]) -> None:
        self._times = [b"\x10" + _number(round(at * 1000)) for at in times]
        self._samples = lru_cache(maxsize=4096)(self._make_samples)

    def series(self, lines: Iterable[str]) -> Iterator[bytes]:
        """Yield a field `timeseries` for each line that is no comment."""
        for line in lines:
            match = _LINE.fullmatch(line)
            if match is not None:
                labels = {**dict(_LABEL.findall(match[2] or "")), "job": JOB}
                labels |= {"__name__": match[1], "instance": INSTANCE}
                body = b"".join(_label(*each) for each in sorted(labels.items()) if each[1])
                yield _field(1, body + self._samples(*_shape(match[1], float(match[3]))))

    def _make_samples(self, value: float, how: str) -> bytes:
        chance = Random(value)
        found = []
        for number, at in enumerate(self._times):
            moved = {"rises": value + number, "moves": value * chance.uniform(0.9, 1.1)}
            packed = b"\x09" + struct.pack("<d", moved.get(how, value))
            found.append(_field(2, packed + at))
        return b"".join(found)


def _shape(name: str, value: float) -> tuple[float, str]:
    """Return a value and how it goes on; those near each other are made one, and made once.

    What never failed goes on not to fail.
    """
    if name.endswith(_COUNTED) and value:
        return value, "rises"
    if name.endswith(_MOVING):
        return float(f"{value:.2g}"), "moves"
    return (value // 1e4 * 1e4 if value > 1e9 else value), "stays"


def _label(name: str, value: str) -> bytes:
    return _field(1, _field(1, name.encode()) + _field(2, value.encode()))


def _field(number: int, body: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _number(len(body)) + body


def _number(value: int) -> bytes:
    """Return a varint of Protocol Buffers."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])
