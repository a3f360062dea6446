"""What a newcomer reads first is short, and right."""

import re
from pathlib import Path

import pytest
import yaml

from exporter import platforms
from exporter.configuration.config import parse
from tests.docs.pages import LANGUAGES, page


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
