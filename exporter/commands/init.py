"""Write a configuration to begin with: ask what the platform needs, or take it from the flags."""

import argparse
import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from exporter.commands.console import Console
from exporter.commands.help import Texts, texts_in
from exporter.commands.starting import ASKED, PLATFORMS, QUESTIONS, SCHEMA, filled, headed
from exporter.configuration.config import parse
from exporter.errors import ConfigError, ConfigProblem, ExporterError
from exporter.runtime import Runtime

_MOST_TRIES = 3


def run(options: argparse.Namespace, runtime: Runtime, console: Console) -> int:
    """Write the configuration that the flags, or the answers, describe."""
    texts = texts_in(options.language)
    target = None if options.output == "-" else Path(options.output)
    if target is not None and not options.force and os.path.lexists(target):
        raise _error("--output", f"{target}: {texts['init.exists']}")
    platform, answers = _answers(options, texts, console.ask)
    text = headed(filled(platform, answers), SCHEMA)
    # What is written is what `check-config` takes: nobody is given a file that does not start.
    parse(text, environ=runtime.environ, directory=target.parent if target else Path())
    if target is None:
        console.out.write(text)
        return 0
    try:
        _write(target, text, replaces=options.force)
    except OSError as exc:
        raise _error("--output", f"{target}: {exc.strerror or 'cannot be written'}") from None
    console.out.write(f"{texts['init.written'].format(file=target)}\n")
    return 0


def _answers(
    options: argparse.Namespace, texts: Texts, ask: Callable[[str], str] | None
) -> tuple[str, dict[str, str]]:
    """Return the platform, and what it was told by flags and answers."""
    platform = options.platform
    if platform is None:
        if ask is None:
            raise _error("--platform", texts["init.none"].format(platforms=", ".join(PLATFORMS)))
        platform = _ask(ask, texts["ask.platform"], texts, "\n  ".join(("", *PLATFORMS)), PLATFORMS)
    given = {name: getattr(options, name.replace("-", "_")) for name in ("name", *ASKED)}
    answers = {name: value for name, value in given.items() if value}
    flags = [question.flag for question in QUESTIONS[platform]]
    useless = [name for name in answers if name not in ("name", *flags)]
    lacking = []
    for question in QUESTIONS[platform]:
        text = texts[f"ask.{platform}.{question.flag}"]
        if question.flag in answers:
            continue
        if ask is not None and (question.required or options.platform is None):
            hint = "" if question.required else texts["ask.optional"]
            answers[question.flag] = _ask(ask, text + hint, texts, required=question.required)
        elif question.required:
            lacking.append(ConfigProblem(f"--{question.flag}", f"{texts['init.lacks']}{text}"))
    message = texts["init.useless"].format(platform=platform)
    lacking += [ConfigProblem(f"--{name}", message) for name in useless]
    if lacking:
        raise ConfigError(tuple(lacking))
    return platform, answers


def _ask(
    ask: Callable[[str], str],
    question: str,
    texts: Texts,
    known: str = "",
    choices: tuple[str, ...] = (),
    *,
    required: bool = True,
) -> str:
    """Return an answer that may be one; a question is asked three times at most."""
    for _ in range(_MOST_TRIES):
        answer = ask(f"{question}{known}\n> ")
        if answer in choices or (not choices and (answer or not required)):
            return answer
    raise ExporterError(texts["ask.given-up"])


def _write(target: Path, text: str, *, replaces: bool) -> None:
    """Write a file whole or not at all, and over no other unless that is meant."""
    number, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with open(number, "w", encoding="utf-8") as stream:
            stream.write(text)
            os.fchmod(number, 0o644)
        if replaces:
            os.replace(name, target)
        else:
            # Unlike a renaming, this fails when somebody else has made the file meanwhile.
            os.link(name, target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)


def _error(place: str, message: str) -> ConfigError:
    return ConfigError((ConfigProblem(place, message),))
