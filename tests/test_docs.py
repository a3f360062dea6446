"""The documents are true: every metric, setting, state and flag is in them, and nothing else."""

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter import platforms
from exporter.attention_settings import AttentionSettings
from exporter.commands.arguments import build_parser
from exporter.configuration.config import parse
from exporter.edge.metrics import EdgeMetrics
from exporter.edge.settings import EdgeSettings
from exporter.exposition.family import IDENTITY
from exporter.exposition.metrics import JOB_FAMILIES, SOURCE_FAMILIES
from exporter.model import ProblemKind, State
from exporter.settings import Section
from exporter.telemetry.telemetry import Telemetry

ROOT = Path(__file__).parent.parent
METRICS = (ROOT / "docs" / "metrics.md").read_text()
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text()
README = (ROOT / "README.md").read_text()


def _exported() -> set[str]:
    own = set()
    telemetry = Telemetry()
    EdgeMetrics(Path("none.db")).register(telemetry.registry)
    for family in telemetry.registry.collect():
        suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
        own.add(family.name + suffix)
    return {
        *(family.name for family in (*JOB_FAMILIES, *SOURCE_FAMILIES)),
        *(name for name in own if name.startswith("streaming_")),
    }


def _rows(text: str) -> dict[str, list[str]]:
    """Return the cells of each table row by the first code word of its first cell."""
    rows = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip()[1:-1].split("|")]
        if line.startswith("| `") and (match := re.match(r"`([^`]+)`", cells[0])):
            rows[match[1]] = cells
    return rows


def test_every_metric_is_documented_and_nothing_else_is() -> None:
    documented = {name for name in _rows(METRICS) if name.startswith("streaming_")}
    assert documented == _exported()


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "docs/configuration.md",
        "docs/platforms.md",
        "docs/metrics.md",
        "docs/scaling.md",
    ],
)
def test_metrics_named_in_a_document_exist(name: str) -> None:
    named = set(re.findall(r"\bstreaming_[a-z_]+\b", (ROOT / name).read_text()))
    assert named <= _exported()


def test_labels_of_every_family_are_documented() -> None:
    rows = _rows(METRICS)
    for family in JOB_FAMILIES:
        assert set(re.findall(r"`(\w+)`", rows[family.name][1])) == set(family.labels)
    for source_family in SOURCE_FAMILIES:
        assert set(re.findall(r"`(\w+)`", rows[source_family.name][1])) == set(source_family.labels)
    for label in IDENTITY:
        assert f"`{label}`" in METRICS.split("## Jobs")[0]


def test_table_of_states_has_every_state() -> None:
    table = _rows(METRICS[METRICS.index("## States") :])
    assert set(table) == {state.value for state in State}


def test_table_of_problems_has_every_problem_in_order() -> None:
    text = METRICS[METRICS.index("## Problems") : METRICS.index("## Edge reports")]
    table = [name for name in _rows(text) if not name.startswith(("streaming_", "problem"))]
    assert table == [kind.value for kind in ProblemKind]


def test_documented_limits_are_the_defaults() -> None:
    text = CONFIGURATION[CONFIGURATION.index("## attention") :]
    told: dict[str, str] = {}
    for line in text[: text.index("\n## ")].splitlines():
        if line.startswith("| `"):
            cells = line.split("|")[1:3]
            names, values = (re.findall(r"`([^`]+)`", cell) for cell in cells)
            told |= dict(zip(names, values, strict=True))
    given: dict[str, Any] = {}
    for name, value in told.items():
        *sections, last = name.removeprefix("attention.").split(".")
        section = given
        for each in sections:
            section = section.setdefault(each, {})
        section[last] = yaml.safe_load(value)
    assert len(told) == len(_settings(AttentionSettings))
    assert AttentionSettings.model_validate(given) == AttentionSettings()


@pytest.mark.parametrize(
    ("module", "column"),
    [
        ("vendors.dli_states", 1),
        ("platforms.huawei_dataarts", 3),
        ("platforms.alibaba_blink", 4),
        ("vendors.ververica", 5),
    ],
)
def test_words_of_a_platform_are_those_of_its_state_map(module: str, column: int) -> None:
    states = importlib.import_module(f"exporter.{module}").STATES
    table = _rows(METRICS[METRICS.index("## States") :])
    documented = {
        (word.casefold(), state)
        for state, cells in table.items()
        # Restarting is what Flink says underneath; the platform's own word is RUNNING then.
        if state not in ("unknown", "restarting")
        for word in re.findall(r"\b[A-Za-z_]{4,}\b", cells[column].replace("no job yet", "no_job"))
    }
    assert documented == {
        (word.casefold().replace(" ", "_"), state.value) for word, state in states.items()
    }


def _settings(model: type[Section], prefix: str = "") -> set[str]:
    found = set()
    for name, field in model.model_fields.items():
        candidates = (field.annotation, *getattr(field.annotation, "__args__", ()))
        inner = next(
            (each for each in candidates if isinstance(each, type) and issubclass(each, Section)),
            None,
        )
        if inner is not None:
            found |= _settings(inner, f"{prefix}{name}.")
        elif name.removesuffix("_file") not in model.model_fields or not name.endswith("_file"):
            found.add(prefix + name)
    return found


def test_every_setting_is_documented_and_nothing_else_is() -> None:
    exist = set()
    for name in platforms.names():
        exist |= _settings(platforms.load(name).settings)
    exist |= _settings(EdgeSettings, "edge.")
    tables = CONFIGURATION[: CONFIGURATION.index("## Commands")]
    documented = set()
    for line in tables.splitlines():
        if line.startswith("| `"):
            documented |= set(re.findall(r"`([a-z_.*]+)`", line.split(" | ")[0]))
    # The star stands for the id of a project.
    documented = {name.replace(".*", "") for name in documented} - {"edge.projects"}
    # The limits of a problem are the same for whatever they stand under.
    exist = {name for name in exist if not name.startswith("edge.attention.")}
    assert documented == exist


def test_documented_defaults_are_the_defaults() -> None:
    rows = _rows(CONFIGURATION)
    fields = platforms.load("huawei_dli").settings.model_fields
    units = {"s": 1, "m": 60, "h": 3600}
    for name in ("poll_interval", "detail_interval", "timeout", "stale_after", "ended_retention"):
        text = rows[name][1].strip("`")
        assert fields[name].default == int(text[:-1]) * units[text[-1]]
    for name in ("rate_limit", "concurrency"):
        assert fields[name].default == float(rows[name][1].strip("`"))


def _flags() -> set[str]:
    parser = build_parser()
    flags: set[str] = set()
    parsers = [parser]
    for action in parser._actions:
        if isinstance(action.choices, dict):
            parsers += action.choices.values()
    for each in parsers:
        for action in each._actions:
            flags |= set(action.option_strings)
    return flags - {"-h", "--help"}


def test_every_flag_is_documented_and_nothing_else_is() -> None:
    commands = CONFIGURATION[CONFIGURATION.index("## Commands") :]
    assert set(re.findall(r"--[a-z.-]*[a-z]", commands)) == _flags()


def test_flags_named_in_the_page_about_scaling_exist() -> None:
    text = (ROOT / "docs" / "scaling.md").read_text()
    assert {"--shard", "--total-shards", "--jobs"} <= set(re.findall(r"--[a-z-]*[a-z]", text))
    assert set(re.findall(r"--[a-z-]*[a-z]", text)) <= _flags()


def test_every_command_is_documented() -> None:
    commands = CONFIGURATION[CONFIGURATION.index("## Commands") :]
    choices: dict[str, Any] = next(
        action.choices for action in build_parser()._actions if isinstance(action.choices, dict)
    )
    assert {name for name in choices if f"`{name}" in commands} == set(choices)


def test_configuration_of_the_readme_is_valid(tmp_path: Path) -> None:
    (tmp_path / "dli-sk").write_text("secret")
    block = re.search(r"```yaml\n(sources:.*?)```", README, re.DOTALL)
    assert block is not None
    text = block[1].replace("/run/secrets/dli-sk", str(tmp_path / "dli-sk"))
    config = parse(text, environ={"HUAWEICLOUD_SDK_AK": "AK"}, directory=tmp_path)
    assert [source.settings.name for source in config.sources] == ["dli-prod"]
    assert len(yaml.safe_load(text)["sources"][0]) + 1 == len(text.splitlines()) == 6


def test_every_platform_has_a_section() -> None:
    sections = set(re.findall(r"^## (\w+)$", (ROOT / "docs" / "platforms.md").read_text(), re.M))
    assert set(platforms.names()) <= sections


def test_links_of_the_readme_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
