"""However a real job in application mode ends, what is published of it is true, or it is gone."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import pytest

from exporter.auth.guard import GuardBook
from exporter.collecting.collector import SourceCollector
from exporter.collecting.store import Store, fresh
from exporter.model import Job
from exporter.platforms.apache_flink import PLATFORM, Settings
from exporter.runtime import Runtime
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.connector import Connector
from tests.flink_cluster.application import End, FlinkApplication, FlinkHistory
from tests.flink_cluster.distribution import FlinkDistribution
from tests.recording import RecordingLog

ENDS: tuple[End, ...] = get_args(End)
TRUE_END = {"finish": "finished", "fail": "failed", "cancel": "stopped"}
"""What each is told as, if it is told at all: a killed JobManager tells nobody anything."""
ON_THE_WAY = {
    "finish": {"starting", "running"},
    "fail": {"starting", "running", "restarting"},
    "cancel": {"starting", "running", "stopping"},
    "kill": {"starting", "running"},
}
WATCHERS = ("often", "often with history", "seldom", "seldom with history")
GONE = "gone"

pytestmark = pytest.mark.xdist_group("real")


@dataclass(kw_only=True)
class Watcher:
    """A source that watches all clusters, and what it has published of each."""

    settings: Settings
    store: Store = field(default_factory=Store)
    runtime: Runtime = field(default_factory=lambda: Runtime(environ={}, home=Path("/nonexistent")))
    states: dict[str, list[str]] = field(default_factory=lambda: {end: [] for end in ENDS})
    """Each state that was published of the job of a cluster, and that it was gone, in order."""
    jobs: dict[str, Job] = field(default_factory=dict)

    def look(self) -> None:
        """Note what is published now."""
        snapshot = fresh(self.store.snapshots["flink"], self.runtime.clock())
        self.jobs = {job.project: job for job in snapshot.jobs}
        assert len(self.jobs) == len(snapshot.jobs)
        for end, states in self.states.items():
            state = self.jobs[end].state.value if end in self.jobs else GONE
            if not states or states[-1] != state:
                states.append(state)

    def last(self, end: str) -> str:
        """Return what is published now of the job that ended so."""
        return self.states[end][-1]

    @contextlib.asynccontextmanager
    async def polling(self) -> AsyncIterator[None]:
        """Poll in the background."""
        telemetry, guards = Telemetry(), GuardBook()
        connector = Connector(
            self.settings, runtime=self.runtime, telemetry=telemetry, guards=guards
        )
        source = PLATFORM.open(self.settings, connector)
        collector = SourceCollector(
            self.settings,
            source,
            supersedes=True,
            store=self.store,
            telemetry=telemetry,
            runtime=self.runtime,
            log=RecordingLog(),
            stall=connector.stall,
        )
        collector.announce()
        task = asyncio.create_task(collector.run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await source.aclose()


@dataclass(frozen=True, kw_only=True)
class Rig:
    """Four clusters, one for each end, and the file of targets that somebody keeps up to date."""

    applications: Mapping[End, FlinkApplication]
    history: FlinkHistory
    targets: Path

    def watcher(self, name: str) -> Watcher:
        """Return a watcher of all clusters."""
        seconds = 0.3 if name.startswith("often") else 2.5
        history = {"history_endpoint": self.history.url} if name.endswith("history") else {}
        settings = {
            "name": "flink",
            "platform": "apache_flink",
            "poll_interval": seconds,
            "detail_interval": 2 * seconds,
            # Longer than it takes to be sure that a cluster has left, and to ask how it ended.
            "stale_after": 15,
            "input_delay": False,
            "discovery": {
                "files": {"paths": [str(self.targets)]},
                "refresh": seconds,
                "allow_loopback": True,
            },
            **history,
        }
        return Watcher(settings=Settings.model_validate(settings))

    def list_those_that_live(self) -> None:
        """Write the file of targets as whoever starts clusters would."""
        groups = [
            {"targets": [each.url.removeprefix("http://")], "labels": {"cluster": end}}
            for end, each in self.applications.items()
            if each.ended is None
        ]
        scratch = self.targets.with_suffix(".new")
        scratch.write_text(json.dumps(groups), encoding="utf-8")
        scratch.rename(self.targets)


@pytest.fixture(scope="module")
def flink_applications(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Clusters in application mode whose jobs run, and a HistoryServer; all start side by side."""
    folder = tmp_path_factory.mktemp("applications")
    archives = folder / "archives"
    distribution = FlinkDistribution.locate()
    distribution.rig_classes()
    history = FlinkHistory(distribution, folder / "history", archives=archives)
    applications = {
        end: FlinkApplication(distribution, folder / end, name=f"to {end}", archives=archives)
        for end in ENDS
    }
    processes = (history, *applications.values())
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(len(processes)) as pool:
        for each in processes:
            stack.callback(each.kill)
        for started in [pool.submit(each.__enter__) for each in processes]:
            started.result()
        for each in processes:
            stack.push(each)
        yield Rig(applications=applications, history=history, targets=folder / "targets.json")


@pytest.fixture(scope="module")
def watchers(flink_applications: Rig) -> dict[str, Watcher]:
    """Watchers that have seen all jobs run, and what became of them."""
    found = {name: flink_applications.watcher(name) for name in WATCHERS}
    asyncio.run(_watch(flink_applications, found))
    return found


async def _watch(rig: Rig, watchers: Mapping[str, Watcher]) -> None:
    async def until(condition: Callable[[], bool], what: str) -> None:
        deadline = asyncio.get_running_loop().time() + 60
        while not condition():
            assert asyncio.get_running_loop().time() < deadline, what
            rig.list_those_that_live()
            await asyncio.sleep(0.02)
            for each in watchers.values():
                each.look()

    rig.list_those_that_live()
    async with contextlib.AsyncExitStack() as stack:
        for each in watchers.values():
            await stack.enter_async_context(each.polling())
        await until(
            lambda: (
                all(
                    each.last(end) == "running"
                    for each in watchers.values()
                    if all(each.states.values())
                    for end in ENDS
                )
                and all(all(each.states.values()) for each in watchers.values())
            ),
            "all jobs to be seen running",
        )
        await asyncio.gather(
            *(asyncio.to_thread(each.end, end) for end, each in rig.applications.items())
        )
        ended = {*TRUE_END.values(), GONE}
        await until(
            lambda: all(each.last(end) in ended for each in watchers.values() for end in ENDS),
            "all jobs to be told as ended, or to be gone",
        )
        # What comes late would come now.
        later = asyncio.get_running_loop().time() + 3
        await until(lambda: asyncio.get_running_loop().time() > later, "nothing")


@pytest.mark.parametrize("name", WATCHERS)
@pytest.mark.parametrize("end", ENDS)
def test_end_is_told_as_it_was_or_the_job_is_gone(
    end: End, name: str, watchers: dict[str, Watcher]
) -> None:
    watcher = watchers[name]
    told = TRUE_END.get(end, GONE)
    assert set(watcher.states[end]) <= ON_THE_WAY[end] | {told, GONE}
    if name.endswith("history"):
        assert watcher.last(end) == told
    # It was never there again once it was gone, nor anything else once it had ended.
    states = [state for state in watcher.states[end] if state not in ON_THE_WAY[end]]
    begun = states[1:] if states[0] == GONE else states
    assert len(begun) == 1


@pytest.mark.parametrize("name", [name for name in WATCHERS if name.endswith("history")])
def test_history_tells_when_and_why(name: str, watchers: dict[str, Watcher]) -> None:
    jobs = watchers[name].jobs
    assert jobs["fail"].error_type == "java.lang.IllegalStateException"
    assert "told to fail" in jobs["fail"].error_text
    for end in ("finish", "fail", "cancel"):
        job = jobs[end]
        assert job.job_name == f"to {end}"
        assert job.start_timestamp is not None
        assert job.end_timestamp is not None
        assert job.start_timestamp < job.end_timestamp
        assert not job.error_type or end == "fail"


def test_history_server_is_told_from_a_job_manager(flink_applications: Rig) -> None:
    features = flink_applications.history.get("/config")["features"]
    assert features["web-history"] is True
