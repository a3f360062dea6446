"""In Chinese everything on the pages is Chinese but what platforms and the interface name."""

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest

from exporter import __version__
from exporter.model import (
    ClusterCounts,
    ClusterStatus,
    Condition,
    Job,
    JobKey,
    Node,
    Problem,
    ProblemKind,
    Snapshot,
    State,
)
from exporter.pages.attention import problem_rows
from exporter.pages.formatting import duration, latency, moment, share
from exporter.pages.languages import Language
from exporter.pages.reader import Reader
from tests.jobs import job, problem, snapshot
from tests.pages.overviews import NOW, overview_of
from tests.serving.web_site import Site
from tests.virtual_time import EPOCH

READER = Reader(now=NOW, language=Language.CHINESE)
NAMED = {
    # Values of labels, which stand everywhere else as they are.
    *(state.value for state in State),
    *(condition.value for condition in Condition),
    *("ok", "low", "high"),
    # Names and units.
    *("streaming", "job", "exporter", "English", "JSON", "ID", "UTC", "B", "kB"),
}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 秒"),
        (0.25, "0.2 秒"),
        (59.9, "59 秒"),
        (60, "1 分钟"),
        (125, "2 分 5 秒"),
        (3599, "59 分钟"),
        (3600, "1 小时"),
        (7265, "2 小时 1 分"),
        (86400, "1 天"),
        (1000 * 86400 + 7200, "1,000 天 2 小时"),
    ],
)
def test_durations_have_chinese_units(seconds: float, text: str) -> None:
    assert duration(seconds, READER.words) == text


def test_times_and_shares_are_told_as_in_chinese() -> None:
    found = [moment(NOW + shift, READER) for shift in (-3700, 0.4, 90)]
    assert [each and each.relative for each in found] == ["1 小时 1 分前", "刚刚", "1 分 30 秒后"]
    assert latency(0.025, READER.words) == "25 毫秒"
    assert share(0.4, READER.words) == "40%"


def test_overview_counts_without_plurals() -> None:
    assert overview_of(reader=READER).headline == "没有配置任何源。"
    well = overview_of(snapshot(job()), reader=READER)
    assert (well.headline, well.found) == ("1 个源，1 个作业：一切正常", "1 个作业")
    assert well.announcement == "没有需要关注的作业。"
    told = (
        problem(ProblemKind.FAILED, "a"),
        problem(ProblemKind.STUCK, "b"),
        problem(ProblemKind.STUCK, "c"),
    )
    page = overview_of(
        snapshot(job("a", State.FAILED), job("b"), problems=told, up=False),
        snapshot(source="later", up=None, last_success_timestamp=None),
        reader=READER,
    )
    assert page.headline == (
        "2 个源，2 个作业：3 个需要关注（其中 1 个已看不到），1 个源中断，1 个源还没有读取过"
    )
    assert page.announcement == "作业：1 个 failed（失败），2 个有其他问题。1 个源中断。"
    assert page.found == "2 个作业，另有 1 个已看不到，最严重的在前"
    assert page.sources_health == "1 个中断，1 个等待中"
    narrowed = overview_of(snapshot(*(job(f"{n}") for n in range(201))), query="q=1", reader=READER)
    assert narrowed.found == "找到 119 个（共 201 个作业），最严重的在前"


def test_problems_lead_to_the_runbook_in_the_language_of_the_reader() -> None:
    told = [problem(ProblemKind.FAILED), problem(ProblemKind.STUCK, since_timestamp=NOW - 720)]
    failed, stuck = problem_rows(told, job(), READER)
    assert failed.runbook == "runbooks/zh/StreamingJobFailed"
    assert failed.runbook_elsewhere == "runbooks/StreamingJobFailed"
    assert stuck.words == "已有 12 分钟没有任务在运行"
    [row] = overview_of(snapshot(job(), problems=tuple(told)), reader=READER).rows
    assert row.runbook == "runbooks/zh/StreamingJobFailed"


class _Texts(HTMLParser):
    """All that a reader of a page sees or hears."""

    HEARD = ("title", "alt", "placeholder", "aria-label", "data-label", "data-announce")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.texts += (str(found[name]) for name in self.HEARD if name in found)
        if found.get("id") == "live":
            self.texts += (str(value) for name, value in attrs if name.startswith("data-"))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def _whole(found: Job, number: int) -> Job:
    """Return a job of which everything is known; all words of the platform are Chinese."""
    values: dict[str, Any] = {}
    for name, hint in Job.__annotations__.items():
        kind = str(hint).removeprefix("<class '").removesuffix("'>")
        if name in ("project", "job_id", "job_name", "state", "name_digest"):
            continue
        if kind == "str":
            values[name] = "词"
        elif "timestamp" in name:
            values[name] = EPOCH - 77
        elif kind in ("int | None", "float | None"):
            values[name] = number
        elif kind == "bool | None":
            values[name] = bool(number)
    values |= {
        "expected_state": "",
        "tasks": (("词", 1),),
        "other_metrics": (("词", 1.0),),
        "nodes": (Node(name="词", node_type="词", state=State.FAILED, run_id="词"),),
    }
    return found._replace(**values)


def _everything() -> tuple[Snapshot, ...]:
    jobs = [_whole(job(f"作业{n}", state, project="项目"), n) for n, state in enumerate(State)]
    told: list[Problem] = []
    for number, kind in enumerate(ProblemKind):
        key = JobKey(project="项目", job_id=f"作业{number}")
        told.append(problem(kind, f"作业{number}", key=key))
        told.append(problem(kind, "看不到", key=JobKey(project="项目", job_id=f"看不到{number}")))
        told.append(problem(kind, "作业", key=JobKey(project="项目", job_id="作业1")))
    named = tuple(
        ClusterStatus(name=f"集群{number}", condition=condition, reason="词")
        for number, condition in enumerate(Condition)
    )
    clusters = ClusterCounts(reached=2, unreached=2, skipped=2, named=named)
    frame = {"platform": "平台", "problems": tuple(told), "labels": (("标签", "词"),)}
    return (
        snapshot(*jobs, source="源甲", up=False, failure="词", clusters=clusters, **frame),
        snapshot(source="源乙", platform="平台乙", absent=("词", "词"), next_poll_timestamp=NOW),
        snapshot(source="源丙", platform="平台", up=None, last_success_timestamp=None),
    )


def _foreign(html: str) -> set[str]:
    """Return the words in Latin letters that nobody named."""
    text = "\n".join(_Texts(html).texts).replace(__version__, "")
    selector = re.search(r"\{source=.*\}", text)
    if selector:
        text = text.replace(selector[0], "")
    return set(re.findall(r"[A-Za-z]+", text)) - NAMED


def test_no_english_is_left_on_any_page() -> None:
    site = Site(*_everything())
    site.now = NOW
    paths = ["/", "/?sort=name&q=x", "/?q=作业&source=源甲&source=源乙", "/job"]
    paths += [f"/job?source=源甲&project=项目&job_id=作业{n}" for n in range(len(State))]
    paths += [f"/job?source=源甲&project=项目&job_id=看不到{n}" for n in range(len(ProblemKind))]
    for path in paths:
        address = quote(path, safe="/?=&")
        chinese = site.ask(address, headers={"accept-language": "zh-CN"})
        assert chinese.headers["content-language"] == "zh-CN"
        assert _foreign(chinese.text) == set(), path
        assert "作业" in chinese.text
        assert path != "/" or "2 个 reached（已连上），2 个 unreached（连不上）" in chinese.text
        # The same page in English shows that this sees English where there is any.
        assert len(_foreign(site.ask(address).text)) > 15
