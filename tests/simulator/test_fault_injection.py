"""Faults of a simulated cloud: scripted, switched by hand, and written down."""

import asyncio

import pytest

from exporter.simulator.fault_injection import FaultInjection, RequestRecord, Trouble, Window


def arrive(faults: FaultInjection, now: float = 0.0) -> Trouble | None:
    return asyncio.run(faults.arrive(now))


@pytest.mark.parametrize(
    ("elapsed", "open_once", "open_again"),
    [(9, False, False), (10, True, True), (14, True, True), (15, False, False), (30, False, True)],
)
def test_a_window_covers_its_times_only(elapsed: float, open_once: bool, open_again: bool) -> None:
    """Once, or again and again."""
    assert Window(begins=10, lasts=5).covers(elapsed) is open_once
    assert Window(begins=10, lasts=5, every=20).covers(elapsed) is open_again


def test_a_forecast_comes_true() -> None:
    """Windows count from the start of the cloud; an outage wins over a storm."""
    faults = FaultInjection(
        started_at=100.0,
        outages=(Window(begins=10, lasts=5),),
        storms=(Window(begins=12, lasts=10),),
    )
    troubles = [arrive(faults, now) for now in (100, 110, 113, 116, 130)]
    assert troubles == [None, Trouble.OUTAGE, Trouble.OUTAGE, Trouble.THROTTLED, None]


def test_switches_work_at_once() -> None:
    """Without any schedule."""
    faults = FaultInjection()
    assert arrive(faults) is None
    faults.throttling = True
    assert arrive(faults) is Trouble.THROTTLED
    faults.outage = True
    assert arrive(faults) is Trouble.OUTAGE


def test_every_third_request_is_throttled() -> None:
    """The first two pass."""
    faults = FaultInjection()
    faults.throttle_every = 3
    assert [arrive(faults) is None for _ in range(6)] == [True, True, False, True, True, False]


def test_latency_is_waited_out() -> None:
    """On the sleep that was given."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    faults = FaultInjection(sleep=sleep)
    arrive(faults)
    faults.latency = 2.5
    arrive(faults)
    assert slept == [2.5]


def test_requests_are_written_down() -> None:
    """By operation, with the reason of the refusal."""
    faults = FaultInjection()
    faults.record("List", 1.0)
    faults.record("Show", 2.0, "signature")
    faults.record("List", 3.0, "signature")
    assert faults.requests[-1] == RequestRecord(operation="List", at=3.0, refusal="signature")
    assert (faults.count(), faults.count("List"), faults.accepted("List")) == (3, 2, 1)
    assert (faults.refused("signature"), faults.refused("signature", "Show")) == (2, 1)
    assert faults.consecutive("signature") == 2
    faults.forget()
    assert (faults.count(), len(faults.requests)) == (0, 0)
