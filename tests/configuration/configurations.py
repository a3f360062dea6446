"""Read configurations for tests, or tell what is wrong with them."""

import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest

from exporter.configuration.config import Config, parse
from exporter.errors import ConfigError

HIDDEN = "hunter2-never-shown"
NOWHERE = Path("/nowhere")
DURATION = "expected a duration such as 30s, 5m or 1h30m"
ENDPOINT = "expected http(s)://host[:port][/path], without credentials or query"
MINIMAL = """
sources:
  - {name: flink, platform: apache_flink, endpoint: http://localhost:8081}
"""


def read(text: str, environ: Mapping[str, str] | None = None, directory: Path = NOWHERE) -> Config:
    """Return the configuration that a text is, whatever its indentation."""
    return parse(textwrap.dedent(text), environ=environ or {}, directory=directory)


def problems(
    text: str, environ: Mapping[str, str] | None = None, directory: Path = NOWHERE
) -> list[str]:
    """Return the lines of the error that a configuration makes."""
    with pytest.raises(ConfigError) as caught:
        read(text, environ, directory)
    lines = str(caught.value).splitlines()
    assert lines == [str(problem) for problem in caught.value.problems]
    return lines


def flink(settings: str) -> str:
    """Return a configuration of one Flink source with these settings, in YAML's flow style."""
    return (
        "sources: [{name: f, platform: apache_flink, endpoint: 'http://h:1', " + settings + "}]\n"
    )
