"""Tell the command line as plain values: its commands, their flags, what stands behind each."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

from exporter.commands.arguments import build_parser


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """One flag, or what stands in the place of one."""

    names: tuple[str, ...]
    help: str
    metavar: str = ""
    """What stands behind it; nothing for a switch."""
    choices: tuple[str, ...] = ()
    required: bool = False

    @property
    def takes_file(self) -> bool:
        """Say whether the name of a file stands behind it."""
        return self.metavar == "FILE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command, or the program as a whole, with the flags that concern it."""

    name: str
    help: str
    flags: tuple[Flag, ...]
    places: tuple[Flag, ...]
    """What stands behind its name without a flag."""


def program() -> Command:
    """Return the program as a whole."""
    return _command("", build_parser())


def commands() -> tuple[Command, ...]:
    """Return the commands in the order of the help."""
    for action in build_parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            return tuple(_command(name, parser) for name, parser in action.choices.items())
    raise LookupError("no commands")


def _command(name: str, parser: argparse.ArgumentParser) -> Command:
    found = tuple(_flags(parser))
    return Command(
        name=name,
        help=parser.description or "",
        flags=tuple(flag for flag in found if flag.names[0].startswith("-")),
        places=tuple(flag for flag in found if not flag.names[0].startswith("-")),
    )


def _flags(parser: argparse.ArgumentParser) -> Iterator[Flag]:
    for action in parser._actions:
        if action.help == argparse.SUPPRESS or isinstance(action, argparse._SubParsersAction):
            continue
        choices = tuple(map(str, action.choices or ()))
        behind = action.metavar or ("|".join(choices) if choices else action.dest.upper())
        yield Flag(
            names=tuple(action.option_strings) or (action.dest,),
            help=action.help or "",
            metavar=str(behind) if action.nargs != 0 else "",
            choices=choices,
            required=action.required,
        )
