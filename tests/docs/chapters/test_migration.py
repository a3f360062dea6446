"""The chapter about migration leads to metrics and alerts that there are."""

import re

import pytest

from exporter.exposition.metrics import JOB_FAMILIES, SOURCE_FAMILIES
from tests.docs.chapters.tables import CHAPTERS, ROOT, rows

METRICS = {family.name for family in (*JOB_FAMILIES, *SOURCE_FAMILIES)}
ALERTS = {path.stem for path in (ROOT / "docs" / "runbooks").glob("Streaming*.md")}


@pytest.fixture(name="chapter", params=CHAPTERS)
def _chapter(request: pytest.FixtureRequest) -> str:
    return (CHAPTERS[request.param] / "migration.md").read_text()


def test_metrics_and_alerts_it_leads_to_are_there(chapter: str) -> None:
    assert set(re.findall(r"`(streaming_\w+)`", chapter)) <= METRICS
    assert set(re.findall(r"\bStreaming\w+", chapter)) <= ALERTS


def test_what_is_left_behind_is_none_of_ours(chapter: str) -> None:
    """The first column names what somebody else tells, and the second what we do."""
    for row in rows(chapter):
        assert "streaming_" not in row[0]
        assert re.search(r"streaming_|Streaming", row[1]) or not re.search(r"`", row[1])


def test_metrics_of_flinks_reporter_have_the_names_that_flink_gives_them(chapter: str) -> None:
    """Scope and variables as Flink's `metrics.md` has them; what follows is the metric's name."""
    theirs = {name for row in rows(chapter) for name in re.findall(r"`(flink_\w+)`", row[0])}
    scopes = r"(jobmanager(_job)?|taskmanager(_job_task(_operator)?|_Status_JVM_Memory_Heap))"
    assert theirs
    assert [name for name in theirs if not re.fullmatch(rf"flink_{scopes}_[A-Za-z]+", name)] == []
