"""What a newcomer reads first is short, and right."""

import asyncio
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from exporter import platforms
from exporter.configuration.config import parse
from tests.docs import shell
from tests.docs.markdown import sections
from tests.docs.pages import LANGUAGES, page
from tests.e2e.simulated_clouds import sky
from tests.virtual_time import run


@pytest.mark.parametrize("language", LANGUAGES)
def test_configuration_of_the_readme_is_valid(language: str, tmp_path: Path) -> None:
    (tmp_path / "dli-sk").write_text("secret")
    block = re.search(r"```yaml\n(sources:.*?)```", page("README.md", language).read_text(), re.S)
    assert block is not None
    text = block[1].replace("/run/secrets/dli-sk", str(tmp_path / "dli-sk"))
    config = parse(text, environ={"HUAWEICLOUD_SDK_AK": "AK"}, directory=tmp_path)
    assert [source.settings.name for source in config.sources] == ["dli-prod"]
    assert len(yaml.safe_load(text)["sources"][0]) + 1 == len(text.splitlines()) == 7
    assert config.sources[0].settings.expect


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_platform_is_named(language: str) -> None:
    text = page("README.md", language).read_text()
    assert [name for name in platforms.names() if name not in text] == []


@pytest.fixture(scope="module", name="metrics")
def _metrics(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write down what the demo exports a minute after its start, when there are checkpoints."""
    path = tmp_path_factory.mktemp("demo") / "metrics"

    async def scenario() -> None:
        async with sky() as it:
            await asyncio.sleep(70)
            it.app.exposition.refresh()
            path.write_bytes(it.app.exposition.scrape()[0])

    run(scenario())
    return path


@pytest.mark.parametrize("language", LANGUAGES)
def test_sample_of_the_readme_is_what_its_command_prints_of_the_demo(
    language: str, metrics: Path
) -> None:
    """Values change with the time of day; the series do not."""
    first = sections(page("README.md", language))[0].blocks[0]
    (command,) = (each for each in shell.commands(first.text) if each.startswith("curl"))
    shown = [line for line in first.text.splitlines() if line.startswith("streaming_")]
    piped = command.replace("curl -s localhost:10370/metrics", f"cat {metrics}")
    done = subprocess.run(["bash", "-c", piped], capture_output=True, text=True, check=True)
    printed = [line.rpartition(" ")[0] for line in done.stdout.splitlines()]
    assert printed == [line.rpartition(" ")[0] for line in shown]
