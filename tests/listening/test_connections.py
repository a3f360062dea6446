"""Connections that take too long are ended, and at the limit the longest awaited goes first."""

import asyncio
import math

import pytest

from exporter.listening.connections import Client, Connections, Patience, Phase
from exporter.process.condition_log import ConditionLog
from tests.auth.tools import Clock
from tests.recording import RecordingLog
from tests.virtual_time import run


class Line(asyncio.Transport):
    """A transport of which only the end matters."""

    def __init__(self) -> None:
        super().__init__()
        self.aborted = False

    def abort(self) -> None:
        self.aborted = True


class Hall:
    """Connections, and guests by their names."""

    def __init__(self, most: int = 3) -> None:
        self.clock = Clock(1000.0)
        self.log = RecordingLog()
        self.connections = Connections(
            monotonic=self.clock, most=most, conditions=ConditionLog(self.log)
        )
        self.lines: dict[str, Line] = {}
        self.guests: dict[str, Client] = {}

    def enter(self, name: str, phase: Phase = Phase.ASKING) -> bool:
        self.clock.now += 1
        self.lines[name] = Line()
        self.guests[name] = Client(self.lines[name])
        return self.connections.enter(self.guests[name], phase)

    def turn(self, name: str, phase: Phase) -> None:
        self.clock.now += 1
        self.connections.turn(self.guests[name], phase)

    def gone(self) -> str:
        return "".join(name for name, line in self.lines.items() if line.aborted)


@pytest.mark.parametrize(
    ("phase", "seconds"),
    [
        (Phase.SHAKING_HANDS, 10),
        (Phase.ASKING, 10),
        (Phase.SENDING, 40),
        (Phase.ANSWERED, 90),
        (Phase.IDLE, 180),
    ],
)
def test_each_phase_has_its_time(phase: Phase, seconds: float) -> None:
    hall = Hall()
    hall.enter("a")
    hall.turn("a", phase)
    hall.clock.now += seconds
    hall.connections.sweep()
    assert hall.gone() == ""
    hall.clock.now += 0.1
    hall.connections.sweep()
    assert hall.gone() == "a"
    assert len(hall.connections) == 0


def test_next_phase_has_its_own_time() -> None:
    hall = Hall()
    hall.enter("a")
    hall.clock.now += 9
    hall.turn("a", Phase.ANSWERED)
    hall.clock.now += 80
    hall.connections.sweep()
    assert hall.gone() == ""


def test_who_is_awaited_for_the_longest_goes_for_who_is_new() -> None:
    hall = Hall()
    for name in "abc":
        hall.enter(name)
    hall.turn("a", Phase.IDLE)
    assert hall.enter("d")
    assert hall.gone() == "b"
    assert hall.enter("e")
    assert hall.gone() == "bc"
    assert len(hall.connections) == 3


@pytest.mark.parametrize("phase", [Phase.SHAKING_HANDS, Phase.SENDING, Phase.IDLE])
def test_who_is_answered_stays_while_anybody_is_awaited(phase: Phase) -> None:
    hall = Hall(2)
    hall.enter("a")
    hall.turn("a", Phase.ANSWERED)
    hall.enter("b", phase)
    assert hall.enter("c")
    assert hall.gone() == "b"


def test_new_one_goes_when_all_others_are_answered() -> None:
    hall = Hall(2)
    for name in "ab":
        hall.enter(name)
        hall.turn(name, Phase.ANSWERED)
    assert not hall.enter("c")
    assert hall.gone() == "c"
    assert len(hall.connections) == 2


def test_who_reads_an_answer_for_too_long_goes_for_who_is_new() -> None:
    hall = Hall(2)
    for name in "ab":
        hall.enter(name)
        hall.turn(name, Phase.ANSWERED)
    hall.clock.now += 10
    assert hall.enter("c")
    assert hall.gone() == "a"


def test_leaving_twice_or_as_a_stranger_is_no_matter() -> None:
    hall = Hall()
    hall.enter("a")
    for _ in range(2):
        hall.connections.leave(hall.guests["a"])
    assert len(hall.connections) == 0
    hall.connections.leave(Client(Line()))


def test_limit_is_told_when_it_is_met_and_when_it_is_not_any_more() -> None:
    hall = Hall(3)
    for name in "abcdef":
        hall.enter(name)
    assert [(level, facts) for level, _, facts in hall.log.lines if level != "debug"] == [
        ("warning", {"limit": "3"})
    ]
    hall.connections.sweep()
    assert len(hall.log.said()) == 1
    hall.connections.leave(hall.guests["f"])
    hall.connections.sweep()
    hall.connections.sweep()
    assert hall.log.said()[1:] == ["connections are below their limit again"]


def test_sweeping_goes_on_every_second_and_ends() -> None:
    async def body() -> None:
        loop = asyncio.get_running_loop()
        connections = Connections(monotonic=loop.time, patience=Patience(head=5))
        line = Line()
        with connections.sweeping():
            connections.enter(Client(line), Phase.ASKING)
            await asyncio.sleep(4.5)
            assert not line.aborted
            await asyncio.sleep(2)
            assert line.aborted
        late = Line()
        connections.enter(Client(late), Phase.ASKING)
        await asyncio.sleep(100)
        assert not late.aborted

    run(body())


def test_guest_has_no_deadline_before_it_enters() -> None:
    assert Client(Line()).deadline == math.inf


def test_nobody_is_told_where_nobody_listens() -> None:
    connections = Connections(monotonic=Clock(0.0), most=1)
    assert connections.enter(Client(Line()), Phase.IDLE)
    assert connections.enter(Client(Line()), Phase.IDLE)
    connections.sweep()
    assert len(connections) == 1
