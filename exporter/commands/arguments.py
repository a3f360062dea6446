"""Describe the command line: its commands and their flags, and which of the flags concern each.

Every flag that all commands once had is taken before the name of the command and after it, as it
was; `--help` shows those that make a difference.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from exporter import __version__
from exporter.commands import values
from exporter.commands.help import Texts, texts_in
from exporter.commands.help.examples import PROGRAM, ROOT
from exporter.commands.help.layout import examples_of, layout_in
from exporter.commands.starting import PLATFORMS
from exporter.listening.connections import MOST_CONNECTIONS
from exporter.process.logs import FORMATS, LEVELS

STORIES = ("down", "throttled", "rejected", "vanished")
"""What can go wrong in the demo. The simulator, which knows more of each, is loaded by it alone."""
SHELLS = ("bash", "zsh", "fish")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flag:
    """A flag that more than one command has."""

    name: str
    default: str
    metavar: str | None = None
    choices: tuple[str, ...] | None = None
    type: Callable[[str], Any] = str

    @property
    def dest(self) -> str:
        return self.name.strip("-").replace(".", "_").replace("-", "_")


_GROUPS: Mapping[str, tuple[_Flag, ...]] = MappingProxyType(
    {
        "configuration": (_Flag(name="--config.file", metavar="FILE", default="exporter.yml"),),
        "listener": (
            _Flag(name="--web.listen-address", metavar="ADDRESS", default=":10370"),
            _Flag(
                name="--web.telemetry-path",
                metavar="PATH",
                default="/metrics",
                type=values.telemetry_path,
            ),
            _Flag(name="--web.config.file", metavar="FILE", default=""),
            _Flag(
                name="--web.max-connections",
                metavar="N",
                default=str(MOST_CONNECTIONS),
                type=values.connections,
            ),
        ),
        "shards": (
            _Flag(name="--shard", metavar="N", default="0"),
            _Flag(name="--total-shards", metavar="N", default="1"),
        ),
        "log": (
            _Flag(name="--log.level", choices=LEVELS, default="info"),
            _Flag(name="--log.format", choices=FORMATS, default="logfmt"),
        ),
    }
)
_WEB = frozenset(flag.name for flag in _GROUPS["listener"])
_SHARDS = frozenset({"--shard", "--total-shards"})
_LOG = frozenset({"--log.level", "--log.format"})
_CONFIG = frozenset({"--config.file"})
_CONCERN: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "serve": _CONFIG | _WEB | _SHARDS | _LOG,
        "check-config": _CONFIG | {"--web.config.file"} | _LOG,
        "healthy": frozenset({"--web.listen-address", "--web.config.file"}),
        "once": _CONFIG | _SHARDS | _LOG,
        "plan": _CONFIG | _SHARDS | _LOG,
        "edge-report": frozenset(),
        "demo": _WEB | _SHARDS | _LOG,
    }
)
"""Flags that make a difference to a command. It takes the others too, as it always did."""


def common_arguments() -> argparse.ArgumentParser:
    """Return what understands the flags that every command takes, whatever else there is."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    _add_common(parser, texts_in("en"), shown=None)
    return parser


def build_parser(language: str = "en") -> argparse.ArgumentParser:
    """Return what understands the command line, and explains it in a language.

    It sets `command` to the name of the module that does what is asked for: `serve` when no command
    is named.
    """
    texts = texts_in(language)
    parser = _parser(argparse.ArgumentParser, ROOT, texts, prog=PROGRAM)
    parser.usage = texts["usage.root"]
    parser.set_defaults(command="serve", language=language)
    commands = parser.add_subparsers(title=texts["group.commands"], metavar="COMMAND")
    _add_common(parser, texts, shown=None)
    other = parser.add_argument_group(texts["group.other"])
    _add_help(other, texts)
    other.add_argument(
        "--version", action="version", version=__version__, help=texts["flag.--version"]
    )
    for name, add_own in _COMMANDS.items():
        added = _parser(
            commands.add_parser,
            name,
            texts,
            prog=f"{PROGRAM} {name}",
            help=texts[f"command.{name}"],
        )
        added.set_defaults(command=name.replace("-", "_"))
        add_own(_Own(added, name, texts))
        if name in _CONCERN:
            # Its own defaults would overwrite what was given before its name, so it has none.
            _add_common(added, texts, shown=_CONCERN[name])
        _add_help(added.add_argument_group(texts["group.other"]), texts)
    return parser


def _parser(
    make: Callable[..., argparse.ArgumentParser], name: str, texts: Texts, **options: Any
) -> argparse.ArgumentParser:
    words = (name,) if name else ()
    return make(
        *words,
        description=texts[f"command.{name}" if name else "description"],
        epilog=examples_of(name, texts),
        formatter_class=layout_in(texts),
        add_help=False,
        allow_abbrev=False,
        **options,
    )


def _add_help(group: Any, texts: Texts) -> None:
    # The class of groups has a name that begins with _.
    group.add_argument("-h", "--help", action="help", help=texts["flag.--help"])


def _add_common(
    parser: argparse.ArgumentParser, texts: Texts, *, shown: frozenset[str] | None
) -> None:
    """Add the flags of all commands; those that are not shown are taken all the same."""
    for title, flags in _GROUPS.items():
        group = parser.add_argument_group(texts[f"group.{title}"])
        for flag in flags:
            text = _with_default(texts, texts[f"flag.{flag.name}"], flag.default)
            known = shown is None or flag.name in shown
            group.add_argument(
                flag.name,
                dest=flag.dest,
                metavar=flag.metavar,
                choices=flag.choices,
                type=flag.type,
                default=flag.default if shown is None else argparse.SUPPRESS,
                help=text if known else argparse.SUPPRESS,
            )


def _with_default(texts: Texts, text: str, default: object) -> str:
    told = texts["default"].format(default) if default not in ("", None) else ""
    return f"{text} {told}".strip() if told.isascii() else f"{text}{told}"


class _Own:
    """The flags that one command has alone."""

    def __init__(self, parser: argparse.ArgumentParser, name: str, texts: Texts) -> None:
        self._name = name
        self._texts = texts
        self._group = parser.add_argument_group(texts["group.own"])

    def add(self, flag: str, *, default: object = None, **options: Any) -> None:
        """Add a flag; a default is told in its text."""
        text = _with_default(self._texts, self._texts[f"{self._name}.{flag}"], default)
        if "action" not in options and flag.startswith("-"):
            options["default"] = default
        self._group.add_argument(flag, help=text, **options)


def _init(own: _Own) -> None:
    own.add("--platform", choices=PLATFORMS, metavar="PLATFORM")
    own.add("--name", metavar="NAME")
    own.add("--region", metavar="REGION")
    own.add("--endpoint", metavar="URL")
    own.add("--project-id", metavar="ID")
    own.add("--project", metavar="NAME")
    own.add("--workspace", metavar="ID")
    own.add("--namespace", metavar="NAME")
    own.add("--output", metavar="FILE", default="exporter.yml")
    own.add("--force", action="store_true")


def _check_config(own: _Own) -> None:
    own.add("--online", action="store_true")


def _healthy(own: _Own) -> None:
    own.add("--pid", type=values.count, metavar="N")


def _plan(own: _Own) -> None:
    own.add("--jobs", type=values.count, metavar="N", default=100)
    own.add("--online", action="store_true")


def _edge_report(own: _Own) -> None:
    own.add("--url", metavar="URL", default="http://localhost:10370")
    own.add("--project", required=True, metavar="ID")
    own.add("--token-file", required=True, metavar="FILE")
    own.add("--job-id", type=values.job_id, metavar="N")
    own.add("--status", metavar="WORD")
    own.add("--file", metavar="FILE")


def _demo(own: _Own) -> None:
    own.add("--seed", type=int, metavar="N", default=1)
    own.add("--story", choices=STORIES)


def _completion(own: _Own) -> None:
    own.add("SHELL", choices=SHELLS, metavar="SHELL")


def _nothing(own: _Own) -> None:
    """Add no flags."""


_COMMANDS: Mapping[str, Callable[[_Own], None]] = MappingProxyType(
    {
        "serve": _nothing,
        "init": _init,
        "check-config": _check_config,
        "demo": _demo,
        "plan": _plan,
        "once": _nothing,
        "healthy": _healthy,
        "edge-report": _edge_report,
        "completion": _completion,
    }
)
