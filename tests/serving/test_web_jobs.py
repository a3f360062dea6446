"""Jobs and sources are told as JSON."""

import pytest

from exporter.model import Node, ProblemKind, State
from tests.jobs import job, problem, snapshot
from tests.serving.web_site import MARKUP, Site, two_sources
from tests.virtual_time import EPOCH


def _names(site: Site, query: str) -> list[tuple[str, str]]:
    found = site.json(f"/api/v1/jobs{query}")["jobs"]
    return [(each["source"], each["job_id"]) for each in found]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["4", "3", "1", "2"]),
        ("?source=dli", ["1", "2"]),
        ("?source=dli&source=blink", ["4", "3", "1", "2"]),
        ("?platform=alibaba_blink", ["4", "3"]),
        ("?state=failed", ["2"]),
        ("?state=failed&state=suspended", ["4", "2"]),
        ("?job_name=orders", ["3", "1"]),
        ("?job_name=orders&source=dli", ["1"]),
        ("?project=q", ["3"]),
        ("?job_id=4", ["4"]),
        ("?job_id=4&job_id=1", ["4", "1"]),
        ("?source=nobody", []),
        ("?source=", []),
        ("?state=FAILED", []),
        ("?unheard=of", ["4", "3", "1", "2"]),
    ],
)
def test_jobs_are_filtered_by_what_the_query_says(query: str, expected: list[str]) -> None:
    assert sorted(job_id for _, job_id in _names(two_sources(), query)) == sorted(expected)


def test_job_tells_everything_that_is_known_of_it() -> None:
    full = job(
        "任务",
        state=State.FAILED,
        finer_state=State.RESTARTING,
        error_text=f"line 1\n{MARKUP}",
        tasks=(("running", 2), ("failed", 1)),
        nodes=(Node(name="n", state=State.RUNNING, native_status="NORMAL"),),
        restart_times=0,
    )
    site = Site(snapshot(full, labels=(("team", "a"),)))
    (told,) = site.json("/api/v1/jobs")["jobs"]
    assert (told["source"], told["platform"]) == ("dli", "huawei_dli")
    assert (told["job_name"], told["state"], told["finer_state"]) == (
        *("任务", "failed", "restarting"),
    )
    assert told["error_text"] == f"line 1\n{MARKUP}"
    assert told["tasks"] == {"running": 2, "failed": 1}
    assert told["labels"] == {"team": "a"}
    assert told["restart_times"] == 0
    assert told["parallelism"] is None
    assert told["observed_timestamp"] == EPOCH
    (node,) = told["nodes"]
    assert (node["name"], node["state"], node["native_status"]) == ("n", "running", "NORMAL")


@pytest.mark.parametrize("query", ["", "?source=dli"])
def test_jobs_tell_what_is_wrong_with_them(query: str) -> None:
    """Whether all are asked for or some, which are written in another way."""
    told = (
        problem(ProblemKind.FAILED, "b"),
        problem(ProblemKind.STUCK, "left"),
        problem(ProblemKind.CHECKPOINT_OLD, "b", since_timestamp=EPOCH - 7),
    )
    site = Site(snapshot(job("a"), job("b", State.FAILED), problems=told))
    found = {each["job_id"]: each["problems"] for each in site.json(f"/api/v1/jobs{query}")["jobs"]}
    assert found == {
        "a": [],
        "b": [
            {"problem": "failed", "since": EPOCH - 60},
            {"problem": "checkpoint_old", "since": EPOCH - 7},
        ],
    }


def test_sources_tell_the_problems_of_jobs_that_are_shown_no_longer() -> None:
    told = (
        problem(ProblemKind.FAILED, "old"),
        problem(ProblemKind.GONE, "gone"),
        problem(ProblemKind.STUCK, "here"),
        problem(ProblemKind.CHECKPOINT_OLD, "old"),
    )
    site = Site(snapshot(job("old"), job("here", observed_timestamp=EPOCH + 300), problems=told))
    (source,) = site.json("/api/v1/sources")["sources"]
    assert (source["unseen_jobs"], source["unseen"]) == (0, [])
    site.now = EPOCH + 301
    (source,) = site.json("/api/v1/sources")["sources"]
    assert source["unseen_jobs"] == 1
    assert source["unseen"] == [
        {
            "project": "p",
            "job_id": "old",
            "job_name": "old",
            "problems": [
                {"problem": "failed", "since": EPOCH - 60},
                {"problem": "checkpoint_old", "since": EPOCH - 60},
            ],
        }
    ]


def test_sources_tell_their_health() -> None:
    site = Site(
        snapshot(
            job("a"),
            up=False,
            failure="ListJobs failed: auth",
            last_poll_timestamp=EPOCH - 1,
            next_poll_timestamp=EPOCH + 29,
            poll_duration_seconds=0.5,
            absent=("x.*",),
            labels=(("team", "a"),),
        )
    )
    assert site.json("/api/v1/sources") == {
        "sources": [
            {
                "source": "dli",
                "platform": "huawei_dli",
                "up": False,
                "failure": "ListJobs failed: auth",
                "last_success_timestamp": EPOCH,
                "last_poll_timestamp": EPOCH - 1,
                "next_poll_timestamp": EPOCH + 29,
                "poll_duration_seconds": 0.5,
                "jobs": 1,
                "absent": ["x.*"],
                "gone_jobs": 0,
                "gone": [],
                "unseen_jobs": 0,
                "unseen": [],
                "clusters": None,
                "labels": {"team": "a"},
            }
        ]
    }


def test_sources_are_listed_before_their_first_poll() -> None:
    (source,) = Site(snapshot(up=None, last_success_timestamp=None)).json("/api/v1/sources")[
        "sources"
    ]
    assert (source["up"], source["last_success_timestamp"], source["jobs"]) == (None, None, None)
