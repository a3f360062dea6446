"""Lay out `--help`: titles of a language, and lines broken by the columns that letters take."""

import argparse
import re
import textwrap
import unicodedata
from collections.abc import Iterable
from functools import partial
from typing import Any

from exporter.commands.help import Texts
from exporter.commands.help.examples import EXAMPLES, PROGRAM


class Layout(argparse.HelpFormatter):
    """Writes help in one language."""

    def __init__(self, prog: str, *, texts: Texts) -> None:
        super().__init__(prog, max_help_position=32)
        self._texts = texts

    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[Any],
        prefix: str | None = None,
    ) -> None:
        """Add the line of usage, under the word of the language."""
        super().add_usage(
            usage, actions, groups, self._texts["usage"] if prefix is None else prefix
        )

    def _format_action(self, action: argparse.Action) -> str:
        text = super()._format_action(action)
        # The title says already that these are commands.
        return text.partition("\n")[2] if action.nargs == argparse.PARSER else text

    def _split_lines(self, text: str, width: int) -> list[str]:
        return broken(text, width)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        # Examples are laid out already.
        return "".join(f"{indent}{line}\n" for line in text.splitlines())


def layout_in(texts: Texts) -> partial[Layout]:
    """Return what makes a layout in the language of some texts."""
    return partial(Layout, texts=texts)


def examples_of(command: str, texts: Texts) -> str:
    """Return the examples of a command, each below what it does."""
    lines = [f"{texts['group.examples']}:"]
    for words, key in EXAMPLES[command]:
        lines += [f"  # {texts[key]}", f"  {PROGRAM} {words}"]
    return "\n".join(lines)


def broken(text: str, width: int) -> list[str]:
    """Break a text into lines of so many columns; Chinese letters take two, and break anywhere."""
    if text.isascii():
        return textwrap.wrap(text, width)
    lines, line, taken = [], "", 0
    for word in re.findall(r"[!-~]+|\s|.", text):
        columns = sum(1 + (unicodedata.east_asian_width(letter) in "WF") for letter in word)
        # No line begins with a full stop or a comma.
        if line and taken + columns > width and word not in "，。；：、）":
            lines.append(line.rstrip())
            line, taken = "", 0
        if not line and word.isspace():
            continue
        line, taken = line + word, taken + columns
    return [*lines, line] if line else lines
