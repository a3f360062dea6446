"""Limits of attention stand at the top, and each can be overridden by a source and by edge."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.attention_settings import AttentionSettings
from exporter.configuration.limits import changed_limits
from exporter.settings import parse_duration, write_duration
from tests.configuration.configurations import DURATION, flink, problems, read

EDGE = """
edge:
  database: {database}
  projects: {{p: {{token: secret-token-secret-token}}}}
"""


def _limits(text: str) -> AttentionSettings:
    """Return the limits of the only source."""
    [source] = read(text).sources
    return source.settings.attention


def test_limits_are_the_defaults_where_nothing_is_said() -> None:
    for text in (flink(""), "attention:\n" + flink(""), "attention: {}\n" + flink("attention: {}")):
        assert _limits(text) == AttentionSettings()


def test_limits_at_the_top_are_those_of_every_source() -> None:
    config = read(
        """
        attention: {stuck_after: 1h, restarts: {burst: 9}}
        sources:
          - {name: a, platform: apache_flink, endpoint: http://localhost:8081}
          - {name: b, platform: huawei_dli, region: cn-north-4, project_id: p}
        """
    )
    assert [source.settings.attention for source in config.sources] == [
        AttentionSettings.model_validate({"stuck_after": "1h", "restarts": {"burst": 9}})
    ] * 2


def test_limit_of_a_source_is_its_own_and_all_others_are_those_at_the_top() -> None:
    top = "attention: {stuck_after: 1h, unknown_after: 2h, checkpoints_failing: 7}\n"
    found = _limits(top + flink("attention: {unknown_after: 0, not_running_after: 1m}"))
    assert (found.stuck_after, found.unknown_after, found.not_running_after) == (3600, 0, 60)
    assert found.checkpoints_failing == 7
    assert found.failed_retention == AttentionSettings().failed_retention


def test_sections_are_overridden_key_by_key() -> None:
    top = (
        "attention: {restarts: {burst: 9, within: 1h}, "
        "input_delay: {far_behind: 2h, falling_behind: 20m}}\n"
    )
    found = _limits(top + flink("attention: {restarts: {burst: 2}, input_delay: {far_behind: 3h}}"))
    assert (found.restarts.burst, found.restarts.within, found.restarts.budget) == (2, 3600, 20)
    delay = found.input_delay
    assert (delay.far_behind, delay.falling_behind, delay.growth) == (10800, 1200, 0.05)
    only_here = _limits(flink("attention: {restarts: {budget: 3}}"))
    assert (only_here.restarts.budget, only_here.restarts.burst) == (3, 5)


def test_sources_that_say_nothing_are_not_changed_by_others() -> None:
    config = read(
        """
        attention: {restarts: {burst: 9}}
        sources:
          - {name: a, platform: apache_flink, endpoint: http://h:1,
             attention: {restarts: {burst: 2}}}
          - {name: b, platform: apache_flink, endpoint: http://h:2}
        """
    )
    bursts = [source.settings.attention.restarts.burst for source in config.sources]
    assert bursts == [2, 9]


@pytest.mark.parametrize(
    ("more", "gone_retention", "burst"),
    [("", 3600, 9), ("  attention: {gone_retention: 2h, restarts: {within: 1m}}\n", 7200, 9)],
)
def test_edge_has_the_limits_at_the_top_but_those_of_its_own(
    tmp_path: Path, more: str, gone_retention: float, burst: int
) -> None:
    top = "attention: {gone_retention: 1h, restarts: {burst: 9}}"
    config = read(top + EDGE.format(database=tmp_path / "edge.db") + more, directory=tmp_path)
    assert config.edge is not None
    found = config.edge.attention
    assert (found.gone_retention, found.restarts.burst) == (gone_retention, burst)
    assert found.restarts.within == (60 if more else 1800)


@pytest.mark.parametrize(
    ("attention", "expected"),
    [
        ("{stuk_after: 1m}", "stuk_after: unknown key; did you mean stuck_after?"),
        ("{restarts: {brust: 1}}", "restarts.brust: unknown key; did you mean burst?"),
        ("{stuck_after: soon}", f"stuck_after: {DURATION}"),
        ("{stuck_after: -1}", f"stuck_after: {DURATION}"),
        ("{checkpoint_age: 0}", "checkpoint_age: expected a duration longer than zero"),
        ("{restarts: {burst: 0}}", "restarts.burst: expected greater than or equal to 1"),
        ("{restarts: {burst: 1001}}", "restarts.burst: expected less than or equal to 1000"),
        ("{input_delay: {growth: 0}}", "input_delay.growth: expected greater than 0"),
        ("{input_delay: {growth: 1.1}}", "input_delay.growth: expected less than or equal to 1"),
        (
            "{restarts: {within: 2h, budget_within: 1h}}",
            "restarts: budget_within must not be shorter than within",
        ),
    ],
)
def test_wrong_limit_is_named_with_its_place(tmp_path: Path, attention: str, expected: str) -> None:
    assert problems(f"attention: {attention}\n" + flink("")) == [f"attention.{expected}"]
    assert problems(flink(f"attention: {attention}")) == [f"sources[0].attention.{expected}"]
    edge = EDGE.format(database=tmp_path / "edge.db") + f"  attention: {attention}\n"
    assert problems(edge, directory=tmp_path) == [f"edge.attention.{expected}"]


def test_wrong_limit_of_a_source_is_its_own_though_the_top_has_the_same_section() -> None:
    top = "attention: {restarts: {burst: 9, within: 2h}}\n"
    found = problems(top + flink("attention: {restarts: {burst: 0}}"))
    assert found == ["sources[0].attention.restarts.burst: expected greater than or equal to 1"]
    # Each is right by itself.
    found = problems(top + flink("attention: {restarts: {budget_within: 1h}}"))
    assert found == ["sources[0].attention.restarts: budget_within must not be shorter than within"]


def test_wrong_limits_at_the_top_are_told_once_beside_all_other_problems() -> None:
    text = "attention: {stuck_after: soon}\n" + flink("attention: {unknown_after: never}, zzz: 1")
    assert problems(text) == [
        f"attention.stuck_after: {DURATION}",
        f"sources[0].attention.unknown_after: {DURATION}",
        "sources[0].zzz: unknown key",
    ]


@pytest.mark.parametrize("value", ["[]", "5", "often", "[{stuck_after: 1m}]"])
def test_what_is_no_section_is_refused(value: str) -> None:
    assert problems(f"attention: {value}\n" + flink("")) == ["attention: expected a mapping"]
    [line] = problems("attention: {stuck_after: 1h}\n" + flink(f"attention: {value}"))
    assert line.startswith("sources[0].attention: expected")


def test_limits_do_not_stand_under_defaults() -> None:
    text = "defaults: {attention: {stuck_after: 1h}}\n" + flink("")
    assert problems(text) == ["defaults.attention: unknown key; it stands at the top level"]


def test_limits_that_are_not_the_defaults_are_told_as_they_are_written(tmp_path: Path) -> None:
    top = "attention: {checkpoint_age: 90m, input_delay: {growth: 0.1}}"
    text = top + EDGE.format(database=tmp_path / "edge.db") + "  attention: {checkpoint_age: 30m}\n"
    more = flink("attention: {restarts: {budget_within: 36h}, checkpoints_failing: 4}")
    assert list(changed_limits(read(text + more, directory=tmp_path))) == [
        "f: restarts.budget_within 1d12h (default 1d), input_delay.growth 0.1 (default 0.05), "
        "checkpoint_age 1h30m (default 30m), checkpoints_failing 4 (default 3)",
        "edge: input_delay.growth 0.1 (default 0.05)",
    ]
    assert list(changed_limits(read(flink("")))) == []


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.5, "0.5s"), (59, "59s"), (60, "1m"), (5400, "1h30m"), (90061.25, "1d1h1m1.25s")],
)
def test_duration_is_written_in_its_largest_units(seconds: float, text: str) -> None:
    assert write_duration(seconds) == text


@given(milliseconds=st.integers(min_value=0, max_value=10**11))
def test_duration_that_is_written_is_read_as_it_was(milliseconds: int) -> None:
    seconds = milliseconds / 1000
    assert parse_duration(write_duration(seconds)) == pytest.approx(seconds, abs=1e-6)
