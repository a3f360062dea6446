"""The stand-in for the HistoryServer serves files about jobs that have ended."""

import asyncio
from typing import Any

import httpx

from exporter.simulator.apache_flink.cluster import Cluster
from exporter.simulator.apache_flink.history import HistoryServer
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet, Phase

START = 1_700_000_000.0


class Rig:
    """A HistoryServer whose clock stands where it is put."""

    def __init__(self, phase: Phase = Phase.FINISHED, **options: Any) -> None:
        self.now = START
        fleet = Fleet(seed=1, started_at=START - 3600, jobs=2)
        self.cluster = Cluster(fleet)
        self.running, other = (job.jid for job in self.cluster.jobs(START) if not job.ended)
        self.jid = other
        name = next(job.run.name for job in self.cluster.jobs(START) if job.jid == other)
        fleet.set_phase(name, phase, START + 5)
        self.server = HistoryServer(self.cluster, clock=lambda: self.now, **options)

    def get(self, path: str) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.server.app())
            async with httpx.AsyncClient(transport=transport, base_url="http://history") as client:
                return await client.get(path)

        return asyncio.run(ask())


def test_archive_comes_a_while_after_the_end() -> None:
    rig = Rig()
    assert rig.get("/jobs/overview").json()["jobs"] == []
    rig.now = START + 10
    assert rig.get(f"/jobs/{rig.jid}").status_code == 404
    rig.now = START + 16
    assert rig.get(f"/jobs/{rig.jid}").json()["state"] == "FINISHED"
    assert rig.jid in [job["jid"] for job in rig.get("/jobs/overview?x=y").json()["jobs"]]
    assert rig.get(f"/jobs/{rig.running}").status_code == 404


def test_restarted_one_has_nothing_at_first() -> None:
    rig = Rig()
    rig.now = START + 60
    assert rig.get(f"/jobs/{rig.jid}").status_code == 200
    rig.server.restart()
    assert rig.get("/jobs/overview").json() == {"jobs": []}
    rig.now += 10
    assert rig.get(f"/jobs/{rig.jid}").status_code == 200


def test_config_tells_it_from_a_job_manager() -> None:
    assert Rig().get("/config").json()["features"]["web-history"] is True


def test_paths_it_does_not_have() -> None:
    rig = Rig()
    rig.now = START + 60
    for path in ("/overview", "/jobs", f"/jobs/{rig.jid}/metrics", "/jobs/x", "/jobs/x/exceptions"):
        answer = rig.get(path)
        assert answer.status_code == 404
        assert answer.json() == {"errors": ["File not found."]}
    assert rig.get("/jobs/x/checkpoints").status_code == 404


def test_parts_of_a_job_are_files_and_errors_come_with_200() -> None:
    rig = Rig(Phase.FAILED)
    rig.now = START + 60
    answer = rig.get(f"/jobs/{rig.jid}/exceptions")
    assert answer.headers["cache-control"] == "private, max-age=300"
    assert answer.json()["exceptionHistory"]["entries"]
    statuses = set()
    for job in rig.cluster.jobs(rig.now):
        found = rig.get(f"/jobs/{job.jid}/checkpoints")
        statuses.add(found.status_code)
    assert 200 in statuses


def test_job_without_checkpoints_has_an_archived_error() -> None:
    fleet = Fleet(seed=1, started_at=START - 3600, jobs=20)
    cluster = Cluster(fleet)
    server = HistoryServer(cluster, clock=lambda: START, refresh=-1e9)
    (job,) = [job for job in cluster.jobs(START) if job.run.number % 7 == 0][:1]
    fleet.set_phase(job.run.name, Phase.STOPPED, START)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=server.app())
        async with httpx.AsyncClient(transport=transport, base_url="http://history") as client:
            return await client.get(f"/jobs/{job.jid}/checkpoints")

    answer = asyncio.run(ask())
    assert (answer.status_code, list(answer.json())) == (200, ["errors"])


def test_killed_job_has_no_archive_and_an_outage_is_told() -> None:
    faults = FaultInjection()
    rig = Rig(killed=lambda job: True, faults=faults)
    rig.now = START + 60
    assert rig.get(f"/jobs/{rig.jid}").status_code == 404
    faults.outage = True
    assert rig.get("/config").status_code == 502
