"""Starting, reloading and stopping the whole."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from exporter.app import App
from exporter.configuration.config import Config, parse
from exporter.errors import ConfigError
from exporter.listening.authentication import Guard
from exporter.listening.passwords import Passwords
from exporter.listening.protection import Protection
from exporter.model import Job, State
from tests.listening.certificates import HASH
from tests.recording import RecordingLog
from tests.virtual_time import EPOCH, run, virtual_world

FLINK = "{{name: {name}, platform: apache_flink, endpoint: 'http://{name}'{more}}}"


DLI = (
    "{name: dli, platform: huawei_dli, region: cn-north-4, poll_interval: 20s, "
    "project_id: 0123456789abcdef0123456789abcdef}"
)


def source(name: str, more: str = "") -> str:
    return FLINK.format(name=name, more=more)


class Stage:
    """An exporter over a server that has no jobs, and its configuration."""

    def __init__(
        self,
        *sources: str,
        directory: Path = Path(),
        announcing: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
        connects: bool = False,
        home: Path | None = None,
    ) -> None:
        """With `connects` connections are real: only those have TLS."""
        self.text = ""
        self.broken = False
        self.fault: Exception | None = None
        self.asked: list[str] = []
        self.log = RecordingLog()
        self.configure(*sources)

        def answer(request: httpx.Request) -> httpx.Response:
            self.asked.append(request.url.host)
            if self.broken:
                return httpx.Response(403)
            listing = {"total_count": 0, "jobs": []}
            return httpx.Response(200, json={"jobs": [], "job_list": listing})

        def load() -> Config:
            if self.fault is not None:
                raise self.fault
            return parse(self.text, environ={}, directory=directory)

        world = virtual_world(None if connects else httpx.MockTransport(answer), home=home)
        self.app = App(
            load,
            runtime=replace(world, huawei_metadata="http://metadata.test"),
            log=self.log,
            reloading=announcing,
        )

    def configure(self, *sources: str) -> None:
        self.text = f"sources: [{', '.join(sources)}]"

    def page(self) -> str:
        return self.app.exposition.scrape()[0].decode()


def scene(body: Any) -> None:
    run(body())


def test_ready_is_said_once_every_source_has_been_polled() -> None:
    async def body() -> None:
        stage = Stage(source("a"), source("b"))
        await stage.app.start()
        assert not stage.app.ready()
        await asyncio.sleep(40)
        assert stage.app.ready()
        assert [event for event in stage.log.said() if "ready" in event] == [
            "ready: every source has been polled"
        ]
        await stage.app.stop()

    scene(body)


def test_page_tells_of_every_source_as_soon_as_the_exporter_is_ready() -> None:
    async def body() -> None:
        names = [f"source-{number}" for number in range(20)]
        stage = Stage(*(source(name, ", poll_interval: 1s") for name in names))
        await stage.app.start()
        while not stage.app.ready():  # noqa: ASYNC110 (nothing tells, and time is virtual)
            await asyncio.sleep(0.001)
        page = stage.page()
        assert all(
            f'_source_up{{platform="apache_flink",source="{each}"}}' in page for each in names
        )
        await stage.app.stop()

    scene(body)


def test_nothing_is_asked_after_stopping() -> None:
    async def body() -> None:
        stage = Stage(source("a"))
        await stage.app.start()
        await asyncio.sleep(40)
        await stage.app.stop()
        count = len(stage.asked)
        await asyncio.sleep(400)
        assert len(stage.asked) == count

    scene(body)


def test_certificate_that_is_none_is_told_with_its_place_and_nothing_changes(
    tmp_path: Path,
) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")

    async def body() -> None:
        stage = Stage(source("a"), directory=tmp_path, connects=True)
        await stage.app.start()
        stage.configure(source("a"), source("b"), source("c", ", tls: {ca_file: ca.pem}"))
        with pytest.raises(ConfigError) as caught:
            await stage.app.reload()
        assert str(caught.value) == "sources[2].tls.ca_file: not a usable PEM file"
        stage.app.exposition.refresh()
        assert 'source="a"' in stage.page()
        assert 'source="b"' not in stage.page()
        await stage.app.stop()

    scene(body)


def test_source_that_becomes_another_platform_loses_what_was_known() -> None:
    async def body() -> None:
        stage = Stage(source("a"))
        await stage.app.start()
        await asyncio.sleep(40)
        stage.configure("{name: a, platform: alibaba_blink, region: cn-shanghai, projects: [p]}")
        await stage.app.reload()
        page = stage.page()
        assert 'streaming_source_info{platform="alibaba_blink",source="a"} 1.0' in page
        assert "apache_flink" not in page
        await stage.app.stop()

    scene(body)


def test_source_whose_credentials_are_refused_is_opened_anew_by_a_reload(tmp_path: Path) -> None:
    """So an identity that was taken away on purpose is looked for in every place again."""
    profile = tmp_path / ".huaweicloud" / "credentials"
    profile.parent.mkdir()
    profile.write_text("[basic]\nak = profile\nsk = s\n")

    async def body() -> None:
        stage = Stage(DLI, source("b"), home=tmp_path)
        await stage.app.start()
        await asyncio.sleep(40)
        assert 'streaming_source_up{platform="huawei_dli",source="dli"} 1.0' in stage.page()
        profile.unlink()
        await asyncio.sleep(40)
        assert stage.app.status() == "sources: 2, jobs: 0, sources that fail: 1"
        # The agency of the server is not asked, as long as nobody says so.
        assert "metadata.test" not in stage.asked
        before = dict(stage.app._running)
        await stage.app.reload()
        assert stage.app._running["dli"] is not before["dli"]
        assert stage.app._running["b"] is before["b"]
        # What is shown is what was known, until the next poll.
        assert 'streaming_source_up{platform="huawei_dli",source="dli"} 0.0' in stage.page()
        await asyncio.sleep(40)
        assert "metadata.test" in stage.asked
        await stage.app.stop()

    scene(body)


def test_page_is_rendered_after_a_publication_without_any_scrape() -> None:
    async def body() -> None:
        stage = Stage(source("a"))
        await stage.app.start()
        assert "streaming_source_up{" not in stage.page()
        await asyncio.sleep(5)
        assert 'streaming_source_up{platform="apache_flink",source="a"} 1.0' in stage.page()
        await stage.app.stop()

    scene(body)


def test_status_tells_what_is_watched_and_what_fails() -> None:
    async def body() -> None:
        stage = Stage(source("a"), source("b"))
        assert stage.app.status() == "sources: 0, jobs: 0"
        await stage.app.start()
        await asyncio.sleep(40)
        assert stage.app.status() == "sources: 2, jobs: 0"
        stage.broken = True
        await asyncio.sleep(40)
        assert stage.app.status() == "sources: 2, jobs: 0, sources that fail: 2"
        await stage.app.stop()

    scene(body)


def test_alive_is_an_exporter_whose_every_source_is_polled() -> None:
    async def body() -> None:
        stage = Stage(source("a"), source("b"))
        assert not stage.app.alive()
        await stage.app.start()
        assert stage.app.alive()
        await asyncio.sleep(40)
        stage.configure(source("b"), source("c"))
        await stage.app.reload()
        assert stage.app.alive()
        polling = stage.app._running["c"].task
        assert polling is not None
        polling.cancel()
        await asyncio.sleep(0.1)
        assert not stage.app.alive()
        with contextlib.suppress(asyncio.CancelledError):
            await stage.app.stop()

    scene(body)


def test_reload_is_announced_while_it_lasts_whether_or_not_it_works() -> None:
    async def body() -> None:
        told: list[str] = []

        @contextlib.contextmanager
        def announcing() -> Iterator[None]:
            told.append("begins")
            try:
                yield
            finally:
                told.append("ends")

        stage = Stage(source("a"), announcing=announcing)
        await stage.app.start()
        assert told == ["begins", "ends"]
        stage.text = "sources: nonsense"
        with pytest.raises(ConfigError):
            await stage.app.reload()
        assert told == ["begins", "ends"] * 2
        await stage.app.stop()

    scene(body)


def test_error_that_nobody_has_foreseen_is_told_as_a_failed_reload_without_its_text() -> None:
    async def body() -> None:
        stage = Stage(source("a"))
        await stage.app.start()
        stage.fault = LookupError("wJalr-a-secret")
        stage.app.ask_to_reload()
        await asyncio.sleep(1)
        level, event, facts = stage.log.lines[-1]
        assert (level, event) == ("error", "configuration not loaded")
        assert facts["problems"].startswith("unexpected error: LookupError at test_app.py:")
        page = stage.app.telemetry.registry
        assert page.get_sample_value("streaming_exporter_config_last_reload_successful") == 0
        with pytest.raises(ConfigError) as caught:
            await stage.app.reload()
        assert caught.value.__cause__ is None
        assert "wJalr" not in f"{caught.value}{stage.log.lines}"
        stage.fault = None
        await stage.app.reload()
        assert page.get_sample_value("streaming_exporter_config_last_reload_successful") == 1
        assert stage.app.alive()
        await stage.app.stop()

    scene(body)


def test_what_gives_secrets_away_is_said_once_however_often_it_is_loaded() -> None:
    async def body() -> None:
        stage = Stage(source("a", ", auth: {bearer: {token: t}}"), source("b"))
        await stage.app.start()
        stage.configure(source("a", ", auth: {bearer: {token: t}}"))
        await stage.app.reload()
        await stage.app.stop()
        said = [facts["detail"] for level, _, facts in stage.log.lines if level == "warning"]
        assert len(said) == 1
        assert said[0].startswith("sources[0].endpoint: plain HTTP")

    scene(body)


def test_guard_is_passed_by_reports_only() -> None:
    async def body() -> None:
        stage = Stage(source("a"))
        passwords = Passwords(b"key")
        guard = Guard(
            protection=lambda: Protection(users={"alice": HASH.encode()}),
            passwords=passwords,
            monotonic=asyncio.get_running_loop().time,
        )
        transport = httpx.ASGITransport(app=stage.app.web(guard=guard))
        async with httpx.AsyncClient(transport=transport, base_url="http://exporter") as http:
            for path in ("/metrics", "/", "/v1/p/edgesrv/job-report", "/v1/"):
                # Nobody takes reports here, so they are no exception.
                assert (await http.get(path)).status_code == 401
            assert (await http.get("/-/healthy")).status_code == 200
        transport = httpx.ASGITransport(app=stage.app.web())
        async with httpx.AsyncClient(transport=transport, base_url="http://exporter") as http:
            answer = await http.get("/metrics")
            assert answer.status_code == 200
            assert answer.headers["x-content-type-options"] == "nosniff"
        passwords.close()

    scene(body)


def test_source_that_cannot_be_rendered_is_told_once_and_hurts_no_other() -> None:
    async def body() -> None:
        stage = Stage(source("a"), source("b"))
        await stage.app.start()
        await asyncio.sleep(40)
        store = stage.app.store
        # What no parser lets through: a name that no page can hold.
        well = Job(
            project="p",
            job_id="1",
            job_name="well",
            state=State.RUNNING,
            observed_timestamp=EPOCH,
        )
        bad = well._replace(job_name="\ud800")
        for _ in range(2):
            store.put(replace(store.snapshots["a"], jobs=(bad,)))
            store.put(replace(store.snapshots["b"], jobs=(well,)))
            await asyncio.sleep(1)
        assert 'job_name="well"' in stage.page()
        assert stage.app.alive()
        told = [event for event in stage.log.said() if "rendered" in event]
        assert told == ["a source cannot be rendered, keeping its last good lines"]
        store.put(replace(store.snapshots["a"], jobs=()))
        await asyncio.sleep(1)
        assert "source a can be rendered again" in stage.log.said()
        await stage.app.stop()

    scene(body)
