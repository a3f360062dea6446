"""The table of figures in docs/platforms.md has what the platforms' golden expositions have."""

import re
from pathlib import Path

from exporter import platforms
from exporter.exposition.metrics import JOB_FAMILIES
from tests.golden import cases

_DOCUMENT = (Path(__file__).parents[2] / "docs" / "platforms.md").read_text()
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


def _documented() -> set[tuple[str, str]]:
    section = _DOCUMENT.split("## Which figure on which platform")[1].split("\n## ")[0]
    rows = [line.split("|")[1:3] for line in section.splitlines() if line.startswith("| `")]
    told = [
        (platform, figure)
        for named, figures in rows
        for platform in re.findall(r"`(\w+)`", named)
        for figure in re.findall(r"`(\w+)`", figures)
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


def test_table_has_every_figure_that_a_platform_tells_and_no_other() -> None:
    """Who adds a figure to a platform adds a golden case that has it, and a row."""
    assert _documented() == _exposed()


def test_figures_are_families_of_jobs() -> None:
    families = {family.name.removeprefix(_PREFIX) for family in JOB_FAMILIES}
    assert families >= _FIGURES


def test_platforms_of_the_table_exist() -> None:
    assert {platform for platform, _ in _documented()} <= set(platforms.names())
