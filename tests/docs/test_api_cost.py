"""The page about costs shows what `plan` prints, and a budget that nobody reaches by default."""

import io
import re
import shlex
from pathlib import Path

import pytest
import yaml

from exporter import cli, platforms
from exporter.configuration.config import parse
from exporter.configuration.cost import forecast
from exporter.runtime import Runtime
from tests.docs.blocks import LANGUAGES, read
from tests.monitoring import rules
from tests.monitoring.alerting_rules import BY_NAME

PAGE = "api-cost.md"
BUDGET = "streaming:threshold:api_requests_per_day"
_EXAMPLE = re.compile(r"```yaml\n(sources:\n.*?)```\n\n```console\n\$ (.*?)\n(.*?)```", re.DOTALL)
_OWN_MACHINES = {"apache_flink", "flink_operator", "kafka_connect"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_example_prints_what_the_page_shows(language: str, tmp_path: Path) -> None:
    examples = _EXAMPLE.findall(read(PAGE, language))
    assert len(examples) == read(PAGE, language).count("```console")
    for number, (text, command, shown) in enumerate(examples):
        path = tmp_path / f"{number}.yml"
        path.write_text(text)
        out, err = io.StringIO(), io.StringIO()
        arguments = [*shlex.split(command)[1:], f"--config.file={path}"]
        runtime = Runtime(environ={}, home=tmp_path)
        assert cli.main(arguments, runtime=runtime, out=out, err=err) == 0, err.getvalue()
        assert out.getvalue() == shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_platform_is_in_an_example_and_in_the_table(language: str) -> None:
    text = read(PAGE, language)
    examples = [yaml.safe_load(found) for found, _, _ in _EXAMPLE.findall(text)]
    shown = {source["platform"] for example in examples for source in example["sources"]}
    assert shown == set(platforms.names())
    for name in platforms.names():
        assert f"\n| `{name}` |" in text


def test_no_source_with_default_settings_reaches_the_budget() -> None:
    """However many its jobs are, and whatever it can be told to ask for besides."""
    budget = rules.limit(BY_NAME[BUDGET])
    config = parse(
        "".join(text for text, _, _ in _EXAMPLE.findall(read(PAGE, ""))[:1])
        + "  - {name: art, platform: huawei_dataarts, region: cn-north-4, project_id: p}\n"
        + "  - {name: blink, platform: alibaba_blink, region: cn-shanghai, projects: [p]}\n"
        + "  - {name: vvp, platform: alibaba_flink, region: cn-hangzhou, workspace: w, "
        + "namespaces: [n], input_delay: true}\n"
        + "  - {name: oce, platform: tencent_oceanus, region: ap-guangzhou, monitor: true}\n"
        + "  - {name: aws, platform: aws_flink, region: eu-west-1}\n",
        environ={},
        directory=Path(),
    )
    watched = {source.settings.platform for source in config.sources}
    assert watched == set(platforms.names()) - _OWN_MACHINES
    for source in config.sources:
        for jobs in (500, 5_000):
            cast = forecast(source.settings, source.platform.cost(source.settings, jobs), jobs)
            assert cast.calls_per_day < budget, (source.settings.name, jobs)


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_and_runbook_name_the_budget(language: str) -> None:
    budget = f"{rules.limit(BY_NAME[BUDGET]):,.0f}"
    runbook = Path("runbooks", language, "StreamingSourceBudgetExceeded.md")
    assert budget in read(PAGE, language)
    assert budget in read(str(runbook), "")
