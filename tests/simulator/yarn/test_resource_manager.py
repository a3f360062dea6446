"""The stand-in for YARN answers like Hadoop's own classes."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from exporter.simulator.apache_flink import service as apache_flink
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet, Phase
from exporter.simulator.yarn.access import YarnAccess
from exporter.simulator.yarn.applications import Application, FleetApplications
from exporter.simulator.yarn.resource_manager import Availability, Yarn, build

NOW = 1_700_000_000.0
ID = "application_1700000000000_0001"
APPS = "/ws/v1/cluster/apps"


class Fixed:
    def __init__(self, *applications: Application) -> None:
        self.applications = list(applications)

    def at(self, now: float) -> list[Application]:
        return self.applications


def running(**fields: Any) -> Application:
    values = {"number": 1, "name": "orders", "state": "RUNNING", "started_at": NOW - 60}
    return Application(**{**values, "master": "10.0.0.1:30000", **fields})


class Rig:
    """A pair of ResourceManagers; each call is one request to one of them."""

    def __init__(self, *applications: Application, **options: Any) -> None:
        self.availability = Availability(addresses={"rm1": "http://rm1", "rm2": "http://rm2"})
        yarn = Yarn(
            applications=Fixed(*applications),
            clock=lambda: NOW,
            availability=self.availability,
            **options,
        )
        self.faults = FaultInjection()
        self.apps = {"rm1": build(yarn, faults=self.faults), "rm2": build(yarn, name="rm2")}

    def __call__(self, path: str, name: str = "rm1", method: str = "GET", **headers: str) -> Any:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.apps[name])
            async with httpx.AsyncClient(transport=transport, base_url=f"http://{name}") as client:
                return await client.request(method, path, headers=headers)

        return asyncio.run(ask())


def test_standby_points_to_the_active_one() -> None:
    rig = Rig(running())
    answer = rig(f"{APPS}?states=RUNNING", "rm2")
    assert answer.status_code == 307
    assert answer.headers["location"] == f"http://rm1{APPS}?states=RUNNING"
    assert answer.text == f"This is standby RM. The redirect url is: {APPS}?states=RUNNING\n"


def test_standby_serves_some_paths_itself() -> None:
    rig = Rig(running())
    info = rig("/ws/v1/cluster/info", "rm2")
    assert info.json()["clusterInfo"]["haState"] == "STANDBY"
    assert rig("/ws/v1/cluster/info").json()["clusterInfo"]["haState"] == "ACTIVE"
    # Its proxy knows no application.
    assert rig(f"/proxy/{ID}/config", "rm2").status_code == 404


def test_nobody_active_asks_to_come_back_and_gives_up_with_200() -> None:
    rig = Rig(running())
    rig.availability.active = None
    answer = rig(APPS)
    assert answer.status_code == 307
    assert "location" not in answer.headers
    assert answer.headers["refresh"].startswith("5;url=")
    later = rig(f"{APPS}?next.refresh.interval=3")
    assert later.headers["refresh"].startswith("40;url=")
    last = rig(f"{APPS}?next.refresh.interval=7")
    assert last.status_code == 200
    assert last.text.startswith("There is no active RM right now.")


@pytest.mark.parametrize(("hadoop", "expected"), [(2, {"apps": None}), (3, {"apps": {}})])
def test_nothing_is_written_as_each_version_does(hadoop: int, expected: Any) -> None:
    assert Rig(hadoop=hadoop)(APPS).json() == expected


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["a", "b", "c"]),
        ("?states=RUNNING,accepted", ["a"]),
        ("?finalStatus=FAILED", ["b"]),
        ("?applicationTypes=apache%20flink", ["a", "b"]),
        ("?queue=risk", ["b"]),
        ("?user=etl", ["c"]),
        ("?finishedTimeBegin=1699999990000&states=FINISHED", ["b"]),
        ("?finishedTimeEnd=1699999980000&states=FINISHED", ["c"]),
        ("?limit=1", ["a"]),
    ],
)
def test_parameters_filter(query: str, found: list[str]) -> None:
    rig = Rig(
        running(name="a"),
        running(
            number=2,
            name="b",
            state="FINISHED",
            final_status="FAILED",
            queue="risk",
            finished_at=NOW - 5,
        ),
        running(
            number=3,
            name="c",
            state="FINISHED",
            final_status="SUCCEEDED",
            user="etl",
            application_type="SPARK",
            finished_at=NOW - 50,
        ),
    )
    assert [each["name"] for each in rig(f"{APPS}{query}").json()["apps"]["app"]] == found


@pytest.mark.parametrize(
    ("query", "exception"),
    [
        ("states=ALIVE", "BadRequestException"),
        ("deSelects=everything", "BadRequestException"),
        ("queue=nowhere", "BadRequestException"),
        ("limit=0", "BadRequestException"),
        ("limit=x", "NumberFormatException"),
        ("finishedTimeBegin=-1", "BadRequestException"),
        ("finishedTimeBegin=2&finishedTimeEnd=1", "BadRequestException"),
        ("finalStatus=GOOD", "IllegalArgumentException"),
    ],
)
def test_nonsense_is_refused(query: str, exception: str) -> None:
    answer = Rig()(f"{APPS}?{query}")
    assert answer.status_code == 400
    assert answer.json()["RemoteException"]["exception"] == exception


def test_one_application_is_found_by_its_id() -> None:
    rig = Rig(running())
    assert rig(f"{APPS}/{ID}").json()["app"]["amRPCAddress"] == "10.0.0.1:30000"
    for path in (f"{APPS}/application_1_0001", "/ws/v1/else"):
        refused = rig(path)
        assert refused.status_code == 404
        assert refused.json()["RemoteException"]["exception"] == "NotFoundException"
    assert rig(APPS, method="POST").status_code == 405


def test_only_what_is_de_selected_is_left_out() -> None:
    rig = Rig(running())
    (whole,) = rig(APPS).json()["apps"]["app"]
    (less,) = rig(f"{APPS}?deSelects=resourceRequests").json()["apps"]["app"]
    assert whole.keys() - less.keys() == {"resourceRequests"}


def test_who_is_not_allowed_sees_half_or_nothing() -> None:
    access = YarnAccess(acl=True)
    (row,) = Rig(running(), access=access)(f"{APPS}?user.name=x").json()["apps"]["app"]
    assert row["startedTime"] == row["finishedTime"] == 0
    assert "amRPCAddress" not in row
    (row,) = Rig(running(), access=access)(f"{APPS}?user.name=yarn").json()["apps"]["app"]
    assert row["startedTime"]
    filtered = YarnAccess(acl=True, filtered=True)
    rig = Rig(running(), access=filtered)
    assert rig(f"{APPS}?user.name=x").json() == {"apps": {}}
    assert rig(f"{APPS}/{ID}?user.name=x").json()["app"]["state"] == "RUNNING"


def test_name_may_be_asked_for() -> None:
    rig = Rig(running(), access=YarnAccess(anonymous=False))
    refused = rig(APPS)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "PseudoAuth"
    assert rig(f"{APPS}?user.name=x").status_code == 200


def test_outage_is_no_answer_of_yarn() -> None:
    rig = Rig(running())
    rig.faults.outage = True
    assert rig(APPS).status_code == 502


def job_manager(fleet: Fleet) -> Any:
    return apache_flink.build(fleet=fleet, faults=FaultInjection(), clock=lambda: NOW)


def test_proxy_hands_on_to_the_job_manager() -> None:
    manager = job_manager(Fleet(seed=1, started_at=NOW - 100, jobs=2))
    rig = Rig(running(job_manager=manager))
    found = rig(f"/proxy/{ID}/jobs/overview", authorization="Basic secret")
    assert len(found.json()["jobs"]) >= 1
    # Its refusals pass too.
    assert "errors" in rig(f"/proxy/{ID}/jobs/{'0' * 32}").json()
    assert rig(f"/proxy/{ID}/jobs/overview", method="POST").status_code == 405


@pytest.mark.parametrize(
    ("fields", "status", "location"),
    [
        ({"state": "ACCEPTED", "master": "N/A"}, 302, f"/cluster/app/{ID}"),
        ({"state": "FINISHED", "master": "N/A"}, 302, f"/cluster/app/{ID}"),
        ({"state": "RUNNING"}, 500, None),
    ],
)
def test_proxy_has_pages_where_there_is_no_job_manager(
    fields: dict[str, Any], status: int, location: str | None
) -> None:
    rig = Rig(running(**fields))
    answer = rig(f"/proxy/{ID}/jobs/overview")
    assert answer.status_code == status
    assert answer.headers.get("location") == location
    page = rig(f"/cluster/app/{ID}")
    assert page.headers["content-type"].startswith("text/html")


def test_proxy_sends_those_who_come_too_late_to_the_history_server() -> None:
    rig = Rig(running(state="FINISHED", master="N/A"), history="http://history:8082")
    answer = rig(f"/proxy/{ID}/jobs/overview")
    assert answer.headers["location"] == "http://history:8082/jobs/overview"


def test_proxy_warns_whoever_does_not_own_an_application() -> None:
    manager = job_manager(Fleet(seed=1, started_at=NOW - 100, jobs=2))
    access = YarnAccess(secure=True)
    rig = Rig(running(job_manager=manager), access=access)
    page = rig(f"/proxy/{ID}/jobs/overview")
    assert (page.status_code, page.text[:9]) == (200, "<!DOCTYPE")
    assert "may not be safe" in page.text
    # The parameter alone is refused; the cookie must come with it.
    assert "may not be safe" in rig(f"/proxy/{ID}/jobs/overview?proxyapproved=true").text
    passed = rig(f"/proxy/{ID}/jobs/overview?proxyapproved=true", cookie=f"checked_{ID}=false")
    assert "jobs" in passed.json()
    assert "jobs" in rig(f"/proxy/{ID}/jobs/overview?user.name=flink").json()


def follow(phase: Phase, clock: Callable[[], float]) -> tuple[str, str]:
    fleet = Fleet(seed=1, started_at=NOW - 100, jobs=1)
    name = fleet.views(NOW)[0].name
    fleet.set_phase(name, phase, NOW)
    newest = FleetApplications(fleet, clock=clock).at(NOW + 1)[0]
    assert newest.name == name
    assert (newest.job_manager is not None) is (newest.state == "RUNNING")
    return newest.state, newest.final_status


def test_each_run_of_a_fleet_is_an_application() -> None:
    def clock() -> float:
        return NOW + 1

    assert follow(Phase.RUNNING, clock) == ("RUNNING", "UNDEFINED")
    assert follow(Phase.FINISHED, clock) == ("FINISHED", "SUCCEEDED")
    assert follow(Phase.FAILED, clock) == ("FINISHED", "FAILED")
    assert follow(Phase.STOPPED, clock)[1] == "KILLED"


def test_run_that_begins_waits_in_its_queue() -> None:
    fleet = Fleet(seed=1, started_at=NOW - 100, jobs=1)
    name = fleet.views(NOW)[0].name
    fleet.set_phase(name, Phase.STOPPED, NOW)
    fleet.set_phase(name, Phase.STARTING, NOW + 1)
    applications = FleetApplications(fleet, clock=lambda: NOW + 2)
    assert applications.at(NOW + 2)[0].state == "ACCEPTED"
    assert applications.at(NOW + 30)[0].state == "RUNNING"
    assert len(applications.at(NOW + 30)) >= 2


def test_job_manager_of_an_application_knows_its_job_only() -> None:
    fleet = Fleet(seed=1, started_at=NOW - 100, jobs=4)
    applications = FleetApplications(fleet, clock=lambda: NOW)
    managers = [each for each in applications.at(NOW) if each.job_manager is not None]
    assert len(managers) > 1
    for each in managers:
        number = each.number
        rig = Rig(running(number=number, job_manager=each.job_manager))
        jobs = rig(f"/proxy/application_1700000000000_{number:04d}/jobs/overview").json()["jobs"]
        assert [job["name"] for job in jobs] == [each.name]
