"""The page about the listener is true."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from exporter.commands.arguments import build_parser
from exporter.edge.receiver import _BODY_SECONDS
from exporter.exposition.endpoint import _LONGEST_ANSWER
from exporter.listening import protocol, settings
from exporter.listening.cipher_suites import CURVES
from exporter.listening.connections import MOST_CONNECTIONS, Patience
from exporter.listening.protection import read_protection
from exporter.pages.routes import SECURITY_HEADERS
from tests.listening.certificates import make_papers

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "web-configuration.md").read_text()


def _documented() -> set[str]:
    table = PAGE[PAGE.index("## Format") : PAGE.index("A hash is made")]
    names = set()
    for line in table.splitlines():
        if line.startswith("| `"):
            first, *others = re.findall(r"`([a-z0-9_.]+)`", line.split(" | ")[0])
            section = first.rpartition(".")[0]
            names.add(first)
            names |= {each if "." in each else f"{section}.{each}" for each in others}
    return names


def _settings(model: type[BaseModel], prefix: str = "") -> set[str]:
    names = set()
    for name, field in model.model_fields.items():
        candidates = (field.annotation, *getattr(field.annotation, "__args__", ()))
        inner = [c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)]
        names |= _settings(inner[0], f"{prefix}{name}.") if inner else {prefix + name}
    return names


def test_every_setting_is_documented_and_nothing_else_is() -> None:
    assert _documented() == _settings(settings.WebSettings)


def test_headers_and_curves_that_can_be_given_are_named() -> None:
    for name in (*settings._HEADERS, *CURVES):
        assert f"`{name}`" in PAGE
    for name in (*SECURITY_HEADERS, "content-security-policy"):
        assert name in PAGE.lower()


def test_limits_are_those_of_the_program() -> None:
    patience = Patience()
    table = PAGE[PAGE.index("## Limits") : PAGE.index("## systemd")]
    rows = dict(re.findall(r"^\| ([^|]+?) \| (.+) \|$", table, re.MULTILINE))
    for row, *numbers in (
        ("connections", MOST_CONNECTIONS),
        ("TLS handshake, head of a request", patience.handshake, patience.head),
        ("body of a request", patience.body, protocol._LARGEST_STRAY_BODY / 1024),
        ("answer, reading it included", patience.answer, _LONGEST_ANSWER),
        ("idle connection", patience.idle),
        (
            "request line, whole head",
            protocol._LONGEST_TARGET / 1024,
            protocol._LARGEST_HEAD / 1024,
            protocol._MOST_HEADERS,
        ),
        ("requests sent ahead on one connection", protocol._MOST_PIPELINED),
    ):
        told = {int(number) for number in re.findall(r"\b\d+\b", rows[str(row)])}
        assert told == {int(float(number)) for number in numbers}, row
    assert build_parser().parse_args([]).web_max_connections == MOST_CONNECTIONS


def test_refusals_of_the_parts_come_before_the_listener_loses_patience() -> None:
    assert Patience().body > _BODY_SECONDS
    assert Patience().answer > _LONGEST_ANSWER


def test_example_is_valid(tmp_path: Path) -> None:
    make_papers(tmp_path)
    block = re.search(r"```yaml\n(tls_server_config:.*?)```", PAGE, re.DOTALL)
    assert block is not None
    (tmp_path / "web.yml").write_text(block[1])
    found = read_protection(tmp_path / "web.yml")
    assert list(found.users) == ["prometheus"]
    assert found.context is not None


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#:]+)", PAGE))))
def test_links_lead_somewhere(target: str) -> None:
    assert (ROOT / "docs" / target).exists()


def test_flags_that_are_named_exist() -> None:
    parser = build_parser()
    named = set(re.findall(r"--[a-z.-]*[a-z]", PAGE))
    known = {flag for action in parser._actions for flag in action.option_strings}
    assert named <= known
