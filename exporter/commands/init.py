"""Write a configuration to begin with: ask what the platform needs, or take it from the flags."""

import argparse
import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from exporter import platforms
from exporter.commands.console import Console
from exporter.commands.help import Texts, texts_in
from exporter.commands.interview import Interview, Judge
from exporter.commands.starting import (
    ASKED,
    PLATFORMS,
    QUESTIONS,
    SCHEMA,
    Question,
    filled,
    headed,
    keys_of,
)
from exporter.configuration.config import parse
from exporter.errors import ConfigError, ConfigProblem
from exporter.runtime import Runtime


def run(options: argparse.Namespace, runtime: Runtime, console: Console) -> int:
    """Write the configuration that the flags, or the answers, describe."""
    texts = texts_in(options.language)
    target = None if options.output == "-" else Path(options.output)
    if target is not None and not options.force and os.path.lexists(target):
        raise _error("--output", f"{target}: {texts['init.exists']}")
    folder = target.parent if target else Path()
    judge = Judge(runtime.environ, folder)
    interview = None if console.ask is None else Interview(console.ask, texts, judge)
    platform, answers = _answers(options, texts, judge, interview)
    text = headed(filled(platform, answers), SCHEMA)
    # What is written is what `check-config` takes: nobody is given a file that does not start.
    parse(text, environ=runtime.environ, directory=folder)
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
    options: argparse.Namespace, texts: Texts, judge: Judge, interview: Interview | None
) -> tuple[str, dict[str, str]]:
    """Return the platform, and what it was told by flags and answers."""
    platform = options.platform
    if platform is None:
        if interview is None:
            raise _error("--platform", texts["init.none"].format(platforms=", ".join(PLATFORMS)))
        platform = interview.platform()
    answers = _given(options)
    wrong = [*_useless(platform, answers, texts), *judge.problems(platform, answers)]
    missing = [each for each in QUESTIONS[platform] if each.flag not in answers]
    if interview is None:
        wrong = [*_lacking(platform, missing, texts), *wrong]
    if wrong:
        # Nobody is asked for what would not be written in any case.
        raise ConfigError(tuple(wrong))
    for question in missing:
        if interview is not None and (question.required or options.platform is None):
            answers[question.flag] = interview.answer(platform, question, answers)
    return platform, answers


def _given(options: argparse.Namespace) -> dict[str, str]:
    """Return what the flags tell, by their names."""
    given = {name: getattr(options, name.replace("-", "_")) for name in ("name", *ASKED)}
    return {name: value for name, value in given.items() if value}


def _lacking(platform: str, missing: list[Question], texts: Texts) -> Iterator[ConfigProblem]:
    for question in missing:
        if question.required:
            text = texts[f"ask.{platform}.{question.flag}"]
            yield ConfigProblem(f"--{question.flag}", f"{texts['init.lacks']}{text}")


def _useless(platform: str, answers: Mapping[str, str], texts: Texts) -> Iterator[ConfigProblem]:
    known = {"name", *(question.flag for question in QUESTIONS[platform])}
    settings = platforms.load(platform).settings.model_fields
    for name in answers:
        if name not in known:
            # Some flags are of a setting that is there, and not worth a question.
            is_there = any(key in settings for key in keys_of(name))
            message = texts["init.useless" if is_there else "init.unknown"]
            yield ConfigProblem(f"--{name}", message.format(platform=platform))


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
