"""What a call of a cloud's API costs in CPU, beside the libraries it could be made with."""

from statistics import median

from benchmarks.support.caller import WAYS, measure, profile
from benchmarks.support.cloud import cloud
from benchmarks.support.report import Report

_CALLS = {1: 2000, 50: 4000}
_ROUNDS = 3


def run(report: Report) -> None:
    """Measure one call at a time and fifty, each way in a process of its own, in turns."""
    with cloud(jobs=1) as address:
        taken: dict[tuple[str, int], list[float]] = {
            (way, flight): [] for flight in _CALLS for way in WAYS
        }
        for _ in range(_ROUNDS):
            for (way, flight), times in taken.items():
                times.append(measure(way, address, _CALLS[flight], flight))
        shares = profile("this exporter", address, 2000, 50)
    found = {key: median(times) for key, times in taken.items()}
    report.table(
        "CPU of one API call: signed, sent, answered, decoded",
        ("client", *(f"us, {flight} in flight" for flight in _CALLS), "times aiohttp at 50"),
        [
            (
                way,
                *(found[way, flight] for flight in _CALLS),
                found[way, 50] / found["aiohttp", 50],
            )
            for way in WAYS
        ],
    )
    report.table(
        "Where the time of a call goes (profiled at 50 in flight)",
        ("part", "percent"),
        [(part, share * 100) for part, share in shares.items() if share >= 0.01],
    )
    ours = found["this exporter", 50]
    report.at_most("CPU of an API call at 50 in flight, us", ours, 300)
    report.at_most("the same, times bare aiohttp", ours / found["aiohttp", 50], 2.5)
    report.at_least("the same, times less than httpx", found["httpx", 50] / ours, 4.0)
