"""Every metric is documented with its labels, in both languages, and nothing else is."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.exposition.family import IDENTITY
from exporter.exposition.metrics import JOB_FAMILIES, SOURCE_FAMILIES
from tests.docs import platform_table
from tests.docs.facts import exported
from tests.docs.markdown import Cell, Section, sections
from tests.docs.pages import CHINESE, ENGLISH, LANGUAGES, named, page, part
from tests.grafana import promql

METRICS = "docs/metrics.md"
_ONE = {"en": ("1 a job", "1 a source"), "zh": ("每个作业 1", "每个源 1")}
_STABILITY = {"en": {"stable", "experimental"}, "zh": {"稳定", "试验"}}


def _tables(language: str) -> Iterator[tuple[Section, list[tuple[Cell, ...]]]]:
    """Yield the tables of metrics: a metric, its labels, what it means, series, stability."""
    for section in sections(page(METRICS, language)):
        for table in section.tables:
            if len(table[0]) == 5:
                yield section, table[1:]


def _rows(language: str) -> dict[str, tuple[Cell, ...]]:
    """Return the row of each metric."""
    return {row[0].codes[0]: row for _, table in _tables(language) for row in table}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_metric_is_documented_and_nothing_else_is(language: str) -> None:
    assert set(_rows(language)) == exported()


@pytest.mark.parametrize("language", LANGUAGES)
def test_families_without_labels_of_their_own_are_one_series(language: str) -> None:
    """A label that is added makes more of them, which the page has to say."""
    one_a_job, one_a_source = _ONE[language]
    rows = {name: row[3].text for name, row in _rows(language).items()}
    for job_family in JOB_FAMILIES:
        alone = job_family.configured_labels or not job_family.labels
        assert (rows[job_family.name] == one_a_job) == alone, job_family.name
    for source_family in SOURCE_FAMILIES:
        alone = set(source_family.labels) == {"source", "platform"}
        assert (rows[source_family.name] == one_a_source) == alone, source_family.name


@pytest.mark.parametrize("language", LANGUAGES)
def test_stability_of_every_metric_is_told(language: str) -> None:
    assert {row[4].text for row in _rows(language).values()} == _STABILITY[language]


def test_stability_is_the_same_in_both_languages() -> None:
    english, chinese = _rows("en"), _rows("zh")
    words = {("stable", "稳定"), ("experimental", "试验")}
    assert {(row[4].text, chinese[name][4].text) for name, row in english.items()} == words


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_metric_has_a_query_beside_its_table_that_can_be_asked(language: str) -> None:
    for section, table in _tables(language):
        (block,) = (block for block in section.blocks if block.language == "promql")
        asked = {
            re.sub(r"_bucket$", "", str(selector.name))
            for line in block.text.splitlines()
            if not line.startswith("#")
            for selector, _ in promql.selectors(promql.parse(line))
        }
        assert asked >= {row[0].codes[0] for row in table}, section.title


@pytest.mark.parametrize("language", LANGUAGES)
def test_table_of_platforms_is_what_their_recorded_answers_give(language: str) -> None:
    told = platform_table.PAGES[language].read_text(encoding="utf-8")
    assert told == platform_table.text(language)


@pytest.mark.parametrize(
    "path", [*ENGLISH, *(path for path in CHINESE if path.exists())], ids=named
)
def test_metrics_named_in_a_document_exist(path: Path) -> None:
    named = set(re.findall(r"\bstreaming_[a-z_]+\b", path.read_text()))
    # What others call the exporter itself, where they take no dash.
    named -= {"streaming_job_exporter"}
    # A histogram is told as three series.
    names = {re.sub(r"(?<=_seconds)_(bucket|sum|count)$", "", name) for name in named}
    assert names <= exported()


@pytest.mark.parametrize("language", LANGUAGES)
def test_labels_of_every_family_are_documented(language: str) -> None:
    rows = _rows(language)
    for family in (*JOB_FAMILIES, *SOURCE_FAMILIES):
        assert set(rows[family.name][1].codes) == set(family.labels), family.name


@pytest.mark.parametrize("language", LANGUAGES)
def test_labels_of_identity_are_documented(language: str) -> None:
    assert set(IDENTITY) <= set(part(METRICS, "Metrics", language).codes)
