"""The table of figures in docs/platforms.md has what the platforms' golden expositions have."""

import re

import pytest

from exporter import platforms
from exporter.exposition.metrics import JOB_FAMILIES
from tests.docs.pages import LANGUAGES, part
from tests.golden import cases

_PREFIX = "streaming_job_"
_FIGURES = frozenset(
    {
        *("restart_times", "input_delay_seconds", "operator_latency_seconds"),
        *("read_records", "written_records"),
        *("read_records_per_second", "written_records_per_second"),
        *("pending_records", "source_idle_seconds"),
        *("backpressured_ratio", "backpressure_level", "busy_ratio"),
        *("checkpoints_completed", "checkpoints_failed"),
        "last_checkpoint_completed_timestamp_seconds",
        *("last_checkpoint_duration_seconds", "last_checkpoint_size_bytes"),
    }
)
"""Families about how a job does, without their prefix, of which each platform tells some."""


def _documented(language: str) -> set[tuple[str, str]]:
    section = part("docs/platforms.md", "Which figure on which platform", language)
    told = [
        (platform, figure)
        for row in section.rows
        for platform in row[0].codes
        for figure in row[1].codes
    ]
    assert len(told) == len(set(told))
    return set(told)


def _exposed() -> set[tuple[str, str]]:
    return {
        (folder.parent.name, name)
        for folder in cases()
        for name in re.findall(
            rf"^{_PREFIX}(\w+)\{{", (folder / "expected.prom").read_text(), re.MULTILINE
        )
        if name in _FIGURES
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_table_has_every_figure_that_a_platform_tells_and_no_other(language: str) -> None:
    """Who adds a figure to a platform adds a golden case that has it, and a row."""
    assert _documented(language) == _exposed()


def test_figures_are_families_of_jobs() -> None:
    families = {family.name.removeprefix(_PREFIX) for family in JOB_FAMILIES}
    assert families >= _FIGURES


def test_platforms_of_the_table_exist() -> None:
    assert {platform for platform, _ in _documented("en")} <= set(platforms.names())
