"""The `edge:` block is checked like everything else of the configuration."""

import re
from pathlib import Path

import pytest

from exporter.configuration.config import Config, parse
from exporter.errors import ConfigError
from tests.edge.receivers import PROJECT

SOURCE = "{name: dli, platform: huawei_dli, region: cn-north-4, project_id: p}"
PROJECTS = f"projects: {{{PROJECT}: {{token: hunter2}}}}"


def load(text: str, directory: Path) -> Config:
    return parse(text, environ={}, directory=directory)


def problems(text: str, directory: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(text, directory)
    assert "hunter2" not in str(caught.value)
    return [str(problem).replace(str(directory), "DIR") for problem in caught.value.problems]


def test_edge_alone_is_enough(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t\n")
    config = load(
        f"edge: {{database: edge.db, projects: {{{PROJECT}: {{token_file: token}}}}}}", tmp_path
    )
    assert config.sources == ()
    assert config.edge is not None
    assert config.edge.database == tmp_path / "edge.db"
    assert (config.edge.expire_after, config.edge.ended_retention) == (600, 86400)
    assert (config.edge.max_body, config.edge.max_size) == (2**20, 2**28)


def test_without_it_there_is_no_receiver(tmp_path: Path) -> None:
    assert load(f"sources: [{SOURCE}]", tmp_path).edge is None


def test_defaults_hold_for_edge_jobs_too(tmp_path: Path) -> None:
    text = f"""\
defaults: {{ended_retention: 1h, labels: {{team: a}}, state_series: current, stale_after: 10m}}
edge: {{database: edge.db, {PROJECTS}, state_series: all}}
"""
    edge = load(text, tmp_path).edge
    assert edge is not None
    assert (edge.ended_retention, edge.state_series) == (3600, "all")
    assert edge.label_pairs == (("team", "a"),)


@pytest.mark.parametrize(
    ("size", "expected"),
    [("2MiB", 2**21), ("1 GiB", 2**30), ("2000KiB", 2000 * 1024), (2**20, 2**20)],
)
def test_sizes_have_units(tmp_path: Path, size: object, expected: int) -> None:
    edge = load(f"edge: {{database: d, {PROJECTS}, max_size: {size}}}", tmp_path).edge
    assert edge is not None
    assert edge.max_size == expected


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("3", ["edge: expected a mapping with database and projects"]),
        ("", ["edge: expected a mapping with database and projects"]),
        ("{}", ["edge.database: required", "edge.projects: required"]),
        (
            f"{{databse: edge.db, {PROJECTS}}}",
            ["edge.databse: unknown key; did you mean database?", "edge.database: required"],
        ),
        (
            f"{{database: nowhere/edge.db, {PROJECTS}}}",
            ["edge.database: not a file in an existing directory: DIR/nowhere/edge.db"],
        ),
        (f"{{database: [], {PROJECTS}}}", ["edge.database: expected the name of a file"]),
        (
            "{database: d, projects: {}}",
            ["edge.projects: expected 1 to 1000 projects"],
        ),
        (
            "{database: d, projects: {a: {}}}",
            ["edge.projects.a: token or token_file is required"],
        ),
        (
            "{database: d, projects: {a: {tokn: hunter2}}}",
            [
                "edge.projects.a.tokn: unknown key; did you mean token?",
            ],
        ),
        (
            "{database: d, projects: {a: {token_file: none}}}",
            ["edge.projects.a.token_file: no such file: DIR/none"],
        ),
        (
            "{database: d, projects: {'a b': {token: hunter2}}}",
            ["edge.projects.a…: expected up to 64 letters, digits, dashes or underscores"],
        ),
        (
            f"{{database: d, {PROJECTS}, max_body: 1MB, rate_limit: yes, max_jobs: 0}}",
            [
                "edge.max_body: expected a size such as 1MiB, 512KiB or 1048576",
                "edge.rate_limit: expected a number, not true or false",
                "edge.max_jobs: expected greater than or equal to 1",
            ],
        ),
        (
            f"{{database: d, {PROJECTS}, expire_after: 0s, retention: soon}}",
            [
                "edge.expire_after: expected a duration longer than zero",
                "edge.retention: expected a duration such as 30s, 5m or 1h30m",
            ],
        ),
        (
            f"{{database: d, {PROJECTS}, labels: {{queue: a}}}}",
            ["edge.labels: queue: this label is the exporter's own"],
        ),
        (
            f"{{database: d, {PROJECTS}, relay: {{sorce: dli}}}}",
            [
                "edge.relay.sorce: unknown key; did you mean source?",
                "edge.relay.source: required",
            ],
        ),
        (
            f"{{database: d, {PROJECTS}, relay: {{source: dlj}}}}",
            ["edge.relay.source: 'dlj': no such source; did you mean dli?"],
        ),
        (
            f"{{database: d, {PROJECTS}, relay: {{source: flink}}}}",
            ["edge.relay.source: 'flink': expected a source of platform huawei_dli"],
        ),
    ],
)
def test_problems_are_told_with_their_place(
    tmp_path: Path, block: str, expected: list[str]
) -> None:
    flink = "{name: flink, platform: apache_flink, endpoint: 'http://flink'}"
    found = problems(f"sources: [{SOURCE}, {flink}]\nedge: {block}\n", tmp_path)
    assert sorted(found) == sorted(expected)


def test_no_source_may_have_the_name_of_the_edge_jobs(tmp_path: Path) -> None:
    text = f"sources: [{SOURCE.replace('dli,', 'edge,', 1)}]\nedge: {{database: d, {PROJECTS}}}\n"
    assert problems(text, tmp_path) == ["sources[0].name: edge: this name is that of the edge jobs"]


def test_secrets_are_masked(tmp_path: Path) -> None:
    edge = load(f"edge: {{database: d, {PROJECTS}}}", tmp_path).edge
    assert edge is not None
    assert "hunter2" not in repr(edge) + str(edge) + edge.model_dump_json()
    assert re.search("<secret>", edge.model_dump_json())
