"""Every command in a document is one: what it names is there, and what needs no network runs."""

import io
import re
from pathlib import Path

import pytest

from exporter import cli
from exporter.runtime import Runtime
from tests.docs import shell
from tests.docs.markdown import sections
from tests.docs.pages import CHINESE, ENGLISH, named
from tests.docs.surroundings import variables, with_files
from tests.docs.written import readme, written

_STARTS = ("make ", "python -m ", f"{shell.OWN} ", "docker ", "promtool ", "amtool ")
_COMMANDS = [
    pytest.param(command, each.before or readme(), id=f"{each.name} {command[:60]}")
    for each in written("console", "sh", "bash")
    for command in shell.commands(each.block.text)
    if not each.block.marker.startswith("not run")
]
_PAGES = [path for path in (*ENGLISH, *CHINESE) if path.exists()]


@pytest.mark.parametrize(("command", "configuration"), _COMMANDS)
def test_command_names_what_is_there(command: str, configuration: str) -> None:
    assert shell.problem(command) is None


@pytest.mark.parametrize("path", _PAGES, ids=named)
def test_commands_within_sentences_name_what_is_there(path: Path) -> None:
    found = {
        code: shell.problem(code.replace("…", "X"))
        for section in sections(path)
        for code in section.codes
        if code.startswith(_STARTS) and not re.search(r"[\[\]]", code)
    }
    assert {code: told for code, told in found.items() if told} == {}


def _needs_no_network(command: str) -> bool:
    first = shell.words(command)[0]
    away = {"--online", "--web.config.file=web.yml"}
    return first[0] == shell.OWN and bool(
        {"plan", "check-config", "--version"} & set(first) and not away & set(first)
    )


@pytest.mark.parametrize(
    ("command", "configuration"),
    [each for each in _COMMANDS if _needs_no_network(str(each.values[0]))],
)
def test_own_command_that_needs_no_network_succeeds(
    command: str, configuration: str, tmp_path: Path
) -> None:
    """The configuration is the last one before it on its page, else that of the README."""
    text = with_files(configuration, tmp_path)
    (tmp_path / "exporter.yml").write_text(text)
    out, err = io.StringIO(), io.StringIO()
    runtime = Runtime(environ=variables(text), home=tmp_path)
    given = [*shell.words(command)[0][1:], f"--config.file={tmp_path / 'exporter.yml'}"]
    try:
        code = cli.main(given, runtime=runtime, out=out, err=err)
    except SystemExit as exc:
        code = int(exc.code or 0)
    assert (code, err.getvalue()) == (0, "")


def test_commands_are_found() -> None:
    """A document without any, or a reader of them that sees none, would pass unseen."""
    told = {str(each.id).split(":")[0] for each in _COMMANDS}
    assert {"README.md", "README.zh.md", "deploy/README.md", "docs/scaling.md"} <= told


@pytest.mark.parametrize(
    "command",
    [
        "make demoo",
        "make demo ARG=1",
        "python -m benchmarkz dashboards",
        "streaming-job-exporter --shards=1",
        "docker run --rm streaming-job-exporter demo --story=nonsense",
        "kubectl apply -k deploy/kubernetes/overlays/none",
        "curl -s localhost:10370 | gerp x",
    ],
)
def test_command_that_is_wrong_is_told(command: str) -> None:
    assert shell.problem(command) is not None
