"""Ask somebody at a terminal what a platform has to be told, and judge each answer at once.

A wrong answer costs no more than itself: it is said why it cannot be used, and what is expected,
and the same is asked again.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from exporter.commands.help import Texts
from exporter.commands.starting import NAME, PLATFORMS, QUESTIONS, Question, example, filled
from exporter.configuration.config import parse
from exporter.errors import ConfigError, ConfigProblem, ExporterError

_MOST_TRIES = 3
_LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Judge:
    """Says what is wrong with answers while there is no file yet that holds them."""

    environ: Mapping[str, str]
    folder: Path
    """Where the file will be."""

    def problems(self, platform: str, answers: Mapping[str, str]) -> tuple[ConfigProblem, ...]:
        """Return what is wrong with answers, each under the flag that it is given with."""
        flags = {each.key: each.flag for each in (NAME, *QUESTIONS[platform])}
        try:
            parse(filled(platform, answers), environ=self.environ, directory=self.folder)
        except ConfigError as exc:
            return tuple(_under_its_flag(each, flags) for each in exc.problems)
        return ()


def _under_its_flag(problem: ConfigProblem, flags: Mapping[str, str]) -> ConfigProblem:
    key = problem.path.removeprefix("sources[0].").partition("[")[0]
    return replace(problem, path=f"--{flags[key]}") if key in flags else problem


@dataclass(frozen=True, slots=True)
class Interview:
    """Asks in one language."""

    ask: Callable[[str], str]
    texts: Texts
    judge: Judge

    def platform(self) -> str:
        """Return the name of a platform. Raises ExporterError when none is given."""

        def refusal(answer: str) -> str:
            if answer and answer not in PLATFORMS:
                return self.texts["ask.unknown"].format(answer=_quoted(answer))
            return "" if answer else self.texts["ask.empty"]

        return self._ask("\n  ".join((self.texts["ask.platform"], *PLATFORMS)), refusal)

    def answer(self, platform: str, question: Question, answers: Mapping[str, str]) -> str:
        """Return an answer that can be used beside those that there are.

        Raises ExporterError when there is none.
        """
        optional = "" if question.required else self.texts["ask.optional"]

        def refusal(answer: str) -> str:
            if not answer:
                return self.texts["ask.empty"] if question.required else ""
            if not self.judge.problems(platform, {**answers, question.flag: answer}):
                return ""
            expected = self.texts[f"ask.expected.{question.flag}"]
            return self.texts["ask.refused"].format(
                answer=_quoted(answer),
                expected=expected.format(example=example(platform, question)),
            )

        return self._ask(f"{self.texts[f'ask.{platform}.{question.flag}']}{optional}", refusal)

    def _ask(self, question: str, refusal: Callable[[str], str]) -> str:
        """Ask up to three times; `refusal` says why an answer cannot be used, if it cannot."""
        refused = ""
        for _ in range(_MOST_TRIES):
            again = f"{refused}\n" if refused else ""
            answer = self.ask(f"{again}{question}\n> ")
            refused = refusal(answer)
            if not refused:
                return answer
        raise ExporterError(f"{self.texts['ask.given-up']}: {refused}")


def _quoted(answer: str) -> str:
    return json.dumps(answer[:_LONGEST_SHOWN], ensure_ascii=False)
