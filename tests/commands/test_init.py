"""`init` writes a configuration that can be used, over no other, and says what it lacks."""

import io
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter import cli, platforms
from exporter.commands.help import texts_in
from exporter.commands.starting import (
    ASKED,
    PLATFORMS,
    QUESTIONS,
    SCHEMA,
    example,
    filled,
    headed,
    starter,
)
from exporter.configuration.config import load, parse
from exporter.runtime import Runtime

ANSWERS = {
    "region": "xx-north-1",
    "endpoint": "https://flink.example:8443/a",
    "project-id": "0123456789abcdef",
    "project": "payments",
    "workspace": "w-17",
    "namespace": "streams",
}


class Terminal(io.StringIO):
    """Somebody who answers."""

    def isatty(self) -> bool:
        return True


def init(
    *flags: str, answers: Sequence[str] | None = None, language: str = "en"
) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    stdin = io.StringIO() if answers is None else Terminal("".join(f"{x}\n" for x in answers))
    environ = {"LANG": "zh_CN.UTF-8"} if language == "zh" else {}
    runtime = Runtime(environ=environ)
    code = cli.main(["init", *flags], runtime=runtime, out=out, err=err, stdin=stdin)
    return code, out.getvalue(), err.getvalue()


def test_every_platform_can_be_begun_with() -> None:
    assert platforms.names() == PLATFORMS


@pytest.mark.parametrize("platform", PLATFORMS)
def test_text_of_a_platform_is_a_good_configuration_as_it_is(platform: str) -> None:
    config = parse(starter(platform), environ={}, directory=Path("/nowhere"))
    assert [source.platform.name for source in config.sources] == [platform]
    assert "expect:" in starter(platform)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_is_commented_out_is_good_too(platform: str, tmp_path: Path) -> None:
    """Whoever takes away the signs before some lines has a configuration that works."""
    lines = []
    for line in starter(platform).splitlines():
        bare = line.replace("    # ", "    ", 1)
        try:
            is_setting = isinstance(yaml.safe_load(bare), dict) or bare.endswith(":")
        except yaml.YAMLError:
            is_setting = False
        lines.append(bare if is_setting and bare.strip()[0].islower() else line)
    text = "\n".join(lines).replace("/run/secrets", str(tmp_path))
    text = text.replace("/etc/streaming-job-exporter", str(tmp_path))
    names = ("dli-sk", "dataarts-sk", "alibaba-secret", "aws-secret", "tencent-key")
    for name in (*names, "flink-password", "connect-password", "kubeconfig"):
        (tmp_path / name).write_text("x")
    environ = {
        "HUAWEICLOUD_SDK_AK": "a",
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "a",
        "AWS_ACCESS_KEY_ID": "a",
        "TENCENTCLOUD_SECRET_ID": "a",
    }
    (source,) = parse(text, environ=environ, directory=tmp_path).sources
    assert source.settings.auth is not None  # type: ignore[attr-defined]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_answers_take_the_place_of_what_stands_there(platform: str, tmp_path: Path) -> None:
    flags = [f"--{each.flag}={ANSWERS[each.flag]}" for each in QUESTIONS[platform]]
    path = tmp_path / "exporter.yml"
    done = init(f"--platform={platform}", "--name=mine", *flags, f"--output={path}")
    assert done[0] == 0
    assert done[2] == ""
    (source,) = load(path, {}).sources
    assert source.settings.name == "mine"
    for each in QUESTIONS[platform]:
        answer = ANSWERS[each.flag]
        assert getattr(source.settings, each.key) == ((answer,) if each.is_list else answer)
    changed = [
        (old, new)
        for old, new in zip(
            starter(platform).splitlines(), path.read_text().splitlines()[1:], strict=True
        )
        if old != new
    ]
    assert len(changed) == len(flags) + 1


@pytest.mark.parametrize("platform", PLATFORMS)
def test_each_question_is_asked_and_says_where_the_answer_is_found(
    platform: str, tmp_path: Path
) -> None:
    path = tmp_path / "exporter.yml"
    questions = QUESTIONS[platform]
    answers = [platform, *(ANSWERS[each.flag] for each in questions)]
    code, _, err = init(f"--output={path}", answers=answers)
    assert code == 0
    for each in questions:
        assert texts_in("en")[f"ask.{platform}.{each.flag}"] in err
    flags = {each.flag: ANSWERS[each.flag] for each in questions}
    assert path.read_text() == headed(filled(platform, flags), SCHEMA)


def test_file_names_what_comes_next_and_may_be_read_by_all(tmp_path: Path) -> None:
    path = tmp_path / "exporter.yml"
    flags = ("--platform=flink_operator", f"--output={path}")
    code, out, _ = init(*flags)
    assert code == 0
    assert out.splitlines()[1] == (
        f"Next: streaming-job-exporter check-config --online --config.file={path}"
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [each.name for each in tmp_path.iterdir()] == ["exporter.yml"]
    assert path.read_text().startswith(f"# yaml-language-server: $schema={SCHEMA}\n")


def test_file_that_is_there_is_kept_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "exporter.yml"
    path.write_text("mine\n")
    flags = ("--platform=flink_operator", f"--output={path}")
    code, _, err = init(*flags)
    assert code == 2
    assert err == (
        f"error: --output: {path}: there is such a file already; --force replaces it, --output "
        "names another\n"
    )
    assert path.read_text() == "mine\n"
    assert init(*flags, "--force")[0] == 0
    assert "flink_operator" in path.read_text()


def test_link_that_leads_nowhere_counts_as_a_file(tmp_path: Path) -> None:
    path = tmp_path / "exporter.yml"
    path.symlink_to(tmp_path / "elsewhere")
    assert init("--platform=flink_operator", f"--output={path}")[0] == 2
    assert not (tmp_path / "elsewhere").exists()


def test_file_that_appears_while_questions_are_answered_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "exporter.yml"

    class Busy(Terminal):
        def readline(self, *size: Any) -> str:  # type: ignore[override]
            path.write_text("mine\n")
            return super().readline(*size)

    err = io.StringIO()
    code = cli.main(
        ["init", f"--output={path}"],
        runtime=Runtime(environ={}),
        out=io.StringIO(),
        err=err,
        stdin=Busy("apache_flink\nhttp://h:1\n"),
    )
    assert code == 2
    assert err.getvalue().endswith(f"error: --output: {path}: File exists\n")
    assert path.read_text() == "mine\n"
    assert list(tmp_path.iterdir()) == [path]


def test_configuration_can_be_printed() -> None:
    code, out, err = init("--platform=flink_operator", "--output=-")
    assert (code, err) == (0, "")
    assert out == headed(starter("flink_operator"), SCHEMA)


def test_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "none" / "exporter.yml"
    code, _, err = init("--platform=flink_operator", f"--output={path}")
    assert (code, err) == (2, f"error: --output: {path}: No such file or directory\n")


def test_without_a_terminal_what_is_lacking_is_told_at_once() -> None:
    code, _, err = init("--platform=huawei_dli", "--workspace=w", "--output=-")
    assert code == 2
    lines = err.splitlines()
    assert [line.split(": ")[1] for line in lines] == ["--region", "--project-id", "--workspace"]
    assert "API Credentials" in lines[1]
    assert lines[2] == "error: --workspace: huawei_dli has no such setting: leave it out"
    code, _, err = init("--output=-")
    assert (code, err) == (2, f"error: --platform: give one of {', '.join(PLATFORMS)}\n")


def test_setting_that_is_not_asked_for_is_said_to_go_into_the_file() -> None:
    flags = (
        "--region=cn-north-4",
        "--project-id=p",
        "--endpoint=https://dli.example",
        "--output=-",
    )
    code, out, err = init("--platform=huawei_dli", *flags)
    assert (code, out) == (2, "")
    assert err == (
        "error: --endpoint: init does not ask this of huawei_dli: leave it out, and add it to the "
        "file if you need it\n"
    )
    _, _, err = init("--platform=huawei_dli", *flags, language="zh")
    assert err == "error: --endpoint: init 不为 huawei_dli 询问这一项：请去掉，需要时写进文件\n"


def test_at_a_terminal_only_what_is_lacking_is_asked() -> None:
    code, out, err = init(
        "--platform=huawei_dataarts", "--region=cn-x", "--output=-", answers=["", "p-1"]
    )
    assert code == 0
    assert err.count("> ") == 2
    assert "    project_id: p-1\n" in out
    assert "    # workspace: " in out


def test_answers_that_are_none_end_it() -> None:
    code, out, err = init("--output=-", answers=["flink", "dli", "huawei"])
    assert (code, out) == (1, "")
    for answer in ("flink", "dli"):
        assert f'> "{answer}" is none of the platforms.\nWhich platform?\n' in err
    assert err.endswith('error: no answer that can be used: "huawei" is none of the platforms.\n')
    code, _, err = init("--output=-", answers=["huawei_dli"])
    assert code == 1
    assert err.endswith("error: the input has ended\n")


def test_answer_that_cannot_be_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "exporter.yml"
    code, _, err = init("--platform=apache_flink", "--endpoint=jobmanager", f"--output={path}")
    assert code == 2
    assert err.startswith("error: --endpoint: expected http(s)://")
    assert not path.exists()


def test_flag_that_cannot_be_is_told_before_anything_is_asked() -> None:
    code, out, err = init(
        "--platform=huawei_dli", "--region=guangzhou", "--name=a b", "--output=-", answers=["p"]
    )
    assert (code, out) == (2, "")
    assert sorted(err.splitlines()) == [
        "error: --name: expected up to 63 letters, digits, dots, dashes or underscores",
        "error: --region: expected the code of a region, such as cn-north-4",
    ]


_WRONG = {
    "region": "Guangzhou 2",
    "endpoint": "jobmanager",
    "project-id": "my project",
    "project": "..",
    "workspace": "a b",
    "namespace": "..",
}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("platform", PLATFORMS)
def test_wrong_answer_is_told_with_what_is_expected_and_asked_for_again(
    platform: str, language: str, tmp_path: Path
) -> None:
    path = tmp_path / "exporter.yml"
    texts, questions = texts_in(language), QUESTIONS[platform]
    answers = ["", "nothing", platform]
    for each in questions:
        answers += [*([""] if each.required else []), _WRONG[each.flag], ANSWERS[each.flag]]
    code, _, err = init(f"--output={path}", answers=answers, language=language)
    assert code == 0
    asked = err.split("\n> ")
    assert asked[1].startswith(texts["ask.empty"])
    assert asked[2].startswith(texts["ask.unknown"].format(answer='"nothing"'))
    rest = iter(asked[3:])
    for each in questions:
        text = texts[f"ask.{platform}.{each.flag}"]
        assert next(rest).startswith(text)
        if each.required:
            assert next(rest).startswith(f"{texts['ask.empty']}\n{text}")
        refused, _, again = next(rest).partition("\n")
        assert refused.startswith(f'"{_WRONG[each.flag]}" ')
        assert texts[f"ask.expected.{each.flag}"].partition("{")[0].strip() in refused
        assert again.startswith(text)
    flags = {each.flag: ANSWERS[each.flag] for each in questions}
    assert path.read_text() == headed(filled(platform, flags), SCHEMA)


def test_example_of_what_is_expected_is_one_of_the_platform() -> None:
    _, _, err = init(
        "--platform=tencent_oceanus", "--output=-", answers=["guangzhou", "ap-guangzhou", ""]
    )
    assert (
        '"guangzhou" cannot be used: expected the code of a region, such as ap-guangzhou.\n' in err
    )
    for platform in PLATFORMS:
        for question in QUESTIONS[platform]:
            assert example(platform, question) or not question.required


@pytest.mark.parametrize(
    "answer",
    [
        *("yes", "017", "a b", 'a"b', "a: b", "a #b", "[x]", "*x", "1.5", "工作", "x:", "~", "'"),
        *("2001-99-99", "1:" * 200 + "1.5"),
    ],
)
def test_answer_means_the_text_that_it_is(answer: str) -> None:
    text = filled("alibaba_blink", {"project": answer})
    assert yaml.safe_load(text)["sources"][0]["projects"] == [answer]


def test_answers_are_asked_for_in_chinese_where_that_is_spoken() -> None:
    code, out, err = init("--output=-", answers=["apache_flink", "http://h:1"], language="zh")
    assert code == 0
    assert err.startswith("要监控哪个平台？")
    assert "JobManager 的地址" in err
    assert out.endswith(filled("apache_flink", {"endpoint": "http://h:1"}))


def test_every_flag_asks_for_something() -> None:
    assert set(ASKED) == set(ANSWERS)
