"""`--help` shows what concerns a command, in the language of whoever asks, and is true."""

import argparse
import io
import re
import shlex
import unicodedata

import pytest

from exporter import cli
from exporter.commands.arguments import build_parser, common_arguments
from exporter.commands.help import language_of, texts_in
from exporter.commands.help.examples import EXAMPLES, PROGRAM, ROOT
from exporter.commands.help.layout import broken
from exporter.runtime import Runtime

FLAGS = [
    f"--{name}" for name in ("shard", "total-shards", "config.file", "log.level", "log.format")
]
FLAGS += [f"--web.{name}" for name in ("listen-address", "telemetry-path", "max-connections")]
FLAGS += ["--web.config.file"]
LANGUAGES = ("en", "zh")


def commands(language: str = "en") -> dict[str, argparse.ArgumentParser]:
    for action in build_parser(language)._actions:
        if isinstance(action.choices, dict):
            return action.choices
    raise AssertionError("no commands")


def shown(parser: argparse.ArgumentParser) -> set[str]:
    """Return the flags that the help of a parser shows, examples left out."""
    text = parser.format_help().partition("examples:")[0]
    return set(re.findall(r"(?<!\w)--[a-z][a-z.-]*[a-z]", text)) - {"--help"}


@pytest.mark.parametrize(
    ("command", "flags"),
    [
        ("serve", set(FLAGS)),
        ("healthy", {"--pid", "--web.listen-address", "--web.config.file"}),
        ("completion", set()),
        ("edge-report", {"--url", "--project", "--token-file", "--job-id", "--status", "--file"}),
        (
            "check-config",
            {"--online", "--config.file", "--web.config.file", "--log.level", "--log.format"},
        ),
        ("once", {"--config.file", "--shard", "--total-shards", "--log.level", "--log.format"}),
    ],
)
def test_help_shows_the_flags_that_concern_a_command_and_no_others(
    command: str, flags: set[str]
) -> None:
    assert shown(commands()[command]) == flags


def test_help_of_the_program_shows_all_commands_and_the_flags_of_all() -> None:
    text = build_parser().format_help()
    assert all(re.search(rf"^    {name} ", text, re.MULTILINE) for name in commands())
    assert shown(build_parser()) == {*FLAGS, "--version"}


@pytest.mark.parametrize("command", ["check-config", "healthy", "once", "plan", "demo", "serve"])
def test_flags_of_all_commands_are_taken_before_the_name_and_after_it(command: str) -> None:
    values = {"--log.level": "error", "--log.format": "json", "--web.telemetry-path": "/m"}
    for flag in FLAGS:
        word = f"{flag}={values.get(flag, '7')}"
        before = vars(build_parser().parse_args([word, command]))
        after = vars(build_parser().parse_args([command, word]))
        assert before == after
        assert before != vars(build_parser().parse_args([command]))


def test_serve_is_what_is_done_when_no_command_is_named() -> None:
    assert build_parser().parse_args([]) == build_parser().parse_args(["serve"])
    assert build_parser().parse_args(["serve", "--shard=1"]).shard == "1"


def test_flags_of_a_running_process_are_understood_whatever_command_is_among_them() -> None:
    words = ["python", "x", "serve", "--web.listen-address=:7", "--jobs=3"]
    options, _ = common_arguments().parse_known_args(words)
    assert options.web_listen_address == ":7"
    assert options.web_config_file == ""


def examples() -> list[tuple[str, str]]:
    return [(command, words) for command, rows in EXAMPLES.items() for words, _ in rows]


def test_every_command_has_examples() -> None:
    assert set(EXAMPLES) == {ROOT, *commands()}


@pytest.mark.parametrize(("command", "words"), examples())
def test_example_of_the_help_is_understood(command: str, words: str) -> None:
    # What a shell does with the output is none of our business.
    options = build_parser().parse_args(shlex.split(words.partition(" > ")[0]))
    assert command in (ROOT, options.command.replace("_", "-"))
    parser = commands()[command] if command else build_parser()
    assert f"\n  {PROGRAM} {words}\n" in parser.format_help()


def test_each_text_is_there_in_both_languages() -> None:
    english, chinese = (texts_in(language).table for language in LANGUAGES)
    assert list(english) == list(chinese)
    for key, text in english.items():
        assert text.isascii()
        assert chinese[key]
        assert re.findall(r"{\w*}|%\(\w+\)s", text) == re.findall(r"{\w*}|%\(\w+\)s", chinese[key])
        # What is nothing but names and signs is the same everywhere.
        assert not chinese[key].isascii()


def test_every_text_of_the_help_is_shown_somewhere() -> None:
    parsers = [build_parser(), *commands().values()]
    text = re.sub(r"\s+", " ", " ".join(parser.format_help() for parser in parsers))
    for key, words in texts_in("en").table.items():
        if not key.startswith(("init.", "ask.", "default", "usage.")) or key.startswith("init.--"):
            assert re.sub(r"\s+", " ", words.strip()) in text, key


@pytest.mark.parametrize("name", ["", *EXAMPLES])
def test_help_in_chinese_fits_the_columns_of_a_terminal(name: str) -> None:
    parser = commands("zh")[name] if name else build_parser("zh")
    text = parser.format_help()
    assert text.startswith("用法：")
    for line in text.partition("示例:")[0].splitlines():
        columns = sum(1 + (unicodedata.east_asian_width(letter) in "WF") for letter in line)
        assert columns <= 100, line


def test_line_is_broken_where_chinese_may_be() -> None:
    assert broken("监听端口的 TLS 与用户，格式相同", 14) == [
        "监听端口的 TLS",
        "与用户，格式相",
        "同",
    ]
    assert broken("一二三四，五", 8) == ["一二三四，", "五"]
    assert broken("one two three", 8) == ["one two", "three"]
    assert broken("", 8) == []


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh"}, "zh"),
        ({"LANG": "zh-Hans"}, "zh"),
        ({"LANG": "zhx"}, "en"),
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "zh_CN:en"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LANGUAGE": "en"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LANGUAGE": ""}, "zh"),
        ({"LANG": "C.UTF-8", "LANGUAGE": "zh_CN"}, "en"),
    ],
)
def test_language_is_what_the_environment_asks_for(environ: dict[str, str], language: str) -> None:
    assert language_of(environ) == language
    assert language_of(environ, "ascii") == "en"
    assert language_of(environ, "gb18030") == language
    assert language_of(environ, "no such encoding") == "en"


def test_program_answers_in_the_language_of_its_environment(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for environ, words in (({"LANG": "zh_CN.UTF-8"}, "用法："), ({}, "usage: ")):
        with pytest.raises(SystemExit) as caught:
            cli.main(["plan", "--help"], runtime=Runtime(environ=environ), err=io.StringIO())
        assert caught.value.code == 0
        assert capsys.readouterr().out.startswith(words)
