"""Fewer histories, but of whole simulated platforms, reached over HTTP by the whole exporter."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

import pytest

from exporter.simulator.clouds import Cloud
from exporter.simulator.fleet.fleet import Phase
from tests.e2e.simulated_clouds import Sky, sky
from tests.scrape import samples
from tests.virtual_time import EPOCH, run

_CLOUDS = {
    "dli-prod": "dli",
    "factory": "dataarts",
    "blink": "foas",
    "vvp": "ververica",
    "flink": "flink",
    "operator": "kubernetes",
    "connect": "connect",
    "msf": "kinesisanalytics",
    "oceanus": "oceanus",
}
_LOOKED_AT = (
    *("streaming_job_state", "streaming_job_observed_timestamp_seconds", "streaming_source_up"),
    "streaming_source_last_success_timestamp_seconds",
)
_POLL_INTERVAL, _STALE_AFTER = 5.0, 60.0
_SEEN_WITHIN = _POLL_INTERVAL + 3.0
"""A poll, what its requests take, and a second until the next scrape."""
_FAILED_OF_BLINK = ("failed", "starting")
"""A failed stream of Blink waits for its start again."""
_STEPS = 7


@dataclass(slots=True)
class _Watch:
    """Scrapes each second and knows what is so."""

    it: Sky
    expected: dict[tuple[str, str], float] = field(default_factory=dict)
    """Failures that must be seen: until when, by source and name."""
    shown: dict[str, set[str]] = field(default_factory=dict)
    """The jobs of each source on the last page."""
    told: list[str] = field(default_factory=list)
    """The story."""

    async def look_on(self, seconds: int) -> None:
        """Let time pass and judge each page."""
        for _ in range(seconds):
            await asyncio.sleep(1)
            self._judge(_read(self.it))

    def tell(self, text: str) -> None:
        """Go on with the story."""
        self.told.append(f"{_now() - EPOCH:.1f} {text}")

    def cloud(self, source: str) -> Cloud:
        """Return the cloud behind a source."""
        cloud: Cloud = getattr(self.it.clouds, _CLOUDS[source])
        return cloud

    def expect_failure(self, source: str, name: str) -> None:
        """Want a failure to be seen in time."""
        self.expected[source, _shown(source, name)] = _now() + _SEEN_WITHIN

    def _judge(self, page: dict[str, dict[tuple[str, str, str], float]]) -> None:
        story = "\n".join(self.told)
        states = {
            (source, name): state
            for (source, name, state), value in page["streaming_job_state"].items()
            if value == 1
        }
        for (source, name, _), at in page["streaming_job_observed_timestamp_seconds"].items():
            assert at >= _now() - _STALE_AFTER - 0.01, f"{story}\nstale: {source} {name}"
            if states[source, name] == "failed":
                assert Phase.FAILED in self._phases(source, name, at), f"{story}\nhealthy: {name}"
        for key, by in list(self.expected.items()):
            if states.get(key) in (_FAILED_OF_BLINK if key[0] == "blink" else ("failed",)):
                del self.expected[key]
            assert key not in self.expected or _now() <= by, f"{story}\nnot seen: {key}"
        self._judge_leaving(page, states, story)

    def _judge_leaving(
        self,
        page: dict[str, dict[tuple[str, str, str], float]],
        states: dict[tuple[str, str], str],
        story: str,
    ) -> None:
        for (source, _, _), up in page["streaming_source_up"].items():
            shown = {name for of, name in states if of == source}
            down_for_long = _now() - self._last_success(page, source) > _STALE_AFTER - 10
            left = self.shown.get(source, set()) - shown
            if up == 0 and not down_for_long:
                kept = {name for name in left if self._phases(source, name, _now())}
                assert not kept, f"{story}\nwithdrawn while {source} is down: {kept}"
            self.shown[source] = shown

    def _last_success(
        self, page: dict[str, dict[tuple[str, str, str], float]], source: str
    ) -> float:
        return page["streaming_source_last_success_timestamp_seconds"].get((source, "", ""), 0.0)

    def _phases(self, source: str, name: str, at: float) -> set[Phase]:
        fleet = self.cloud(source).fleet
        assert fleet is not None
        return {
            view.phase
            for moment in (at - 2.0, at - 1.0, at - 0.5, at)
            for view in fleet.views(moment)
            if _shown(source, view.name) == name
        }


def _shown(source: str, name: str) -> str:
    """Return how a source calls a job: Kubernetes knows no underscores."""
    return name.replace("_", "-") if source == "operator" else name


def _read(it: Sky) -> dict[str, dict[tuple[str, str, str], float]]:
    """Read a page; no series may be there twice."""
    found: dict[str, dict[tuple[str, str, str], float]] = {}
    page = it.app.exposition.scrape()[0].decode()
    for name, labels, value in samples(page, *_LOOKED_AT):
        key = (labels.get("source", ""), labels.get("job_name", ""), labels.get("state", ""))
        found.setdefault(name, {})[key] = value
    return found


def _now() -> float:
    return EPOCH + asyncio.get_running_loop().time()


def _running(watch: _Watch, source: str) -> Iterator[str]:
    """Yield the names of jobs that run, one job each."""
    fleet = watch.cloud(source).fleet
    assert fleet is not None
    views = fleet.views(_now())
    for view in views:
        alone = sum(other.name == view.name for other in views) == 1
        if view.phase is Phase.RUNNING and alone and "experiment" not in view.name:
            yield view.name


async def _let_happen(watch: _Watch, source: str, random: Random) -> None:
    """Let something happen to a job of a source while all is well."""
    fleet = watch.cloud(source).fleet
    names = sorted(_running(watch, source))
    if fleet is None or not names:
        return
    name = random.choice(names)
    deed = random.choice(("fail", "fail", "remove", "resubmit", "restart"))
    watch.tell(f"{source}: {deed} {name}")
    if deed == "fail":
        fleet.set_phase(name, Phase.FAILED, _now())
        watch.expect_failure(source, name)
        await watch.look_on(9)
        fleet.set_phase(name, Phase.RUNNING, _now())
    elif deed == "remove":
        fleet.remove(name, _now())
    elif deed == "resubmit":
        fleet.resubmit(name, _now())
    else:
        fleet.set_phase(name, Phase.RESTARTING, _now())
        await watch.look_on(random.randint(1, 8))
        fleet.set_phase(name, Phase.RUNNING, _now())
    await watch.look_on(random.randint(1, 12))


async def _let_storm(watch: _Watch, source: str, random: Random) -> None:
    """Let the weather over a cloud be bad for a while, with a job failing meanwhile."""
    weather = watch.cloud(source).faults
    kind = random.choice(("outage", "throttling", "some throttled"))
    watch.tell(f"{source}: {kind}")
    weather.outage, weather.throttling = kind == "outage", kind == "throttling"
    weather.throttle_every = 3 if kind == "some throttled" else 0
    await watch.look_on(random.choice((4, 15, 30)))
    weather.outage, weather.throttling, weather.throttle_every = False, False, 0
    watch.tell(f"{source}: fair again")
    await watch.look_on(16)
    assert watch.it.up()[source] == 1.0, "\n".join(watch.told)


@pytest.mark.parametrize("seed", range(2))
def test_exporter_tells_the_truth_of_nine_platforms(seed: int) -> None:
    async def scenario() -> None:
        random = Random(seed)
        async with sky(seed=seed + 1) as it:
            watch = _Watch(it)
            await asyncio.sleep(12)
            for _ in range(_STEPS):
                source = random.choice(sorted(_CLOUDS))
                happen = random.choice((_let_happen, _let_happen, _let_storm))
                await happen(watch, source, random)
            assert len(watch.told) >= _STEPS

    run(scenario())
