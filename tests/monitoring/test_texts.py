"""Alerts say the same in every language, and the same tests hold for what they say."""

import json
import re
from pathlib import Path

import pytest
import yaml

from grafana.addressed import Addresses, addressed
from grafana.alert_texts import TEXTS, alert_texts, put_texts
from tests.monitoring import rules
from tests.monitoring.alerting_rules import (
    ALERT_NAMES,
    BY_NAME,
    NEEDS,
    RULES,
    in_parallel,
    promtool,
)
from tests.monitoring.rules import ALERTS, PROMETHEUS
from tests.monitoring.translated import tokens, translate, translated_tests

LANGUAGES = sorted(path.stem for path in TEXTS.glob("*.yml"))
NOTES = {name: BY_NAME[name]["annotations"] for name in ALERT_NAMES}


def test_chinese_is_among_the_languages() -> None:
    assert LANGUAGES == ["zh"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_alert_has_texts_and_there_are_no_others(language: str) -> None:
    texts = alert_texts(language)
    assert list(texts) == ALERT_NAMES
    assert {tuple(each) for each in texts.values()} == {("summary", "description")}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("text", ["summary", "description"])
def test_texts_have_the_same_variables(text: str, language: str) -> None:
    texts = alert_texts(language)
    for name in ALERT_NAMES:
        assert sorted(tokens(texts[name][text])) == sorted(tokens(NOTES[name][text])), name


def test_texts_in_chinese_are_chinese_sentences() -> None:
    for name, texts in alert_texts("zh").items():
        for text in texts.values():
            words = re.sub(r"{{.*?}}", "", text)
            assert words.endswith("。"), name
            assert re.search(r"[\u4e00-\u9fff]", words), name
            # Halves of the width stand beside Latin words alone.
            assert not re.search(r"[\u4e00-\u9fff][,.:;()]", words), name
        assert len(re.sub(r"{{.*?}}", "", texts["summary"])) < 40, name


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_but_texts_and_runbooks_differs(language: str) -> None:
    text = dict(addressed(Addresses(language=language)))[Path("rules", "alerts.yml")]
    written = yaml.safe_load(text)
    texts = alert_texts(language)
    for rule in rules.each(written):
        if "alert" in rule:
            name = rule["alert"]
            notes = rule["annotations"]
            assert (notes["summary"], notes["description"]) == tuple(texts[name].values())
            assert notes["runbook_url"].endswith(f"/runbooks/{language}/{name}")
            rule["annotations"] = NOTES[name]
    assert written == RULES
    comments = [line for line in ALERTS.read_text(encoding="utf-8").splitlines() if "#" in line]
    assert [line for line in text.splitlines() if "#" in line] == comments


def test_alert_without_texts_is_an_error() -> None:
    texts = {name: each for name, each in alert_texts("zh").items() if "Job" not in name}
    with pytest.raises(KeyError, match="StreamingJobFailed"):
        put_texts(ALERTS.read_text(encoding="utf-8"), texts)


@pytest.mark.parametrize(
    ("told", "said"),
    [("Job a b is late, by 5 s.", "作业 a b 迟了 5 s。"), ("Job a is late.", "作业 a 迟了。")],
)
def test_translation_keeps_values_and_leaves_out_what_was_left_out(told: str, said: str) -> None:
    english = "Job {{ $a }} is late{{ with x }}, by {{ . }}{{ end }}."
    chinese = "作业 {{ $a }} 迟了{{ with x }} {{ . }}{{ end }}。"
    assert translate(english, chinese, told) == said
    with pytest.raises(ValueError, match="is not told by"):
        translate(english, chinese, "A job is late.")


@pytest.mark.real
@pytest.mark.parametrize("language", LANGUAGES)
def test_promtool_tests_succeed_in_every_language(language: str, tmp_path: Path) -> None:
    text = dict(addressed(Addresses(language=language)))[Path("rules", "alerts.yml")]
    (tmp_path / "alerts.yml").write_text(text, encoding="utf-8")
    done = promtool("check", "rules", "--lint=all", "--lint-fatal", tmp_path / "alerts.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    written, texts = yaml.safe_load(text), alert_texts(language)

    def run(name: str) -> str:
        path = PROMETHEUS / "tests" / f"{name}.yml"
        suite = translated_tests(yaml.safe_load(path.read_text("utf-8")), NOTES, texts, language)
        # What is expected of texts alone, with the rules that it takes.
        suite["tests"] = [
            {**case, "promql_expr_test": []}
            for case in suite["tests"]
            if any(test.get("exp_alerts") for test in case.get("alert_rule_test", ()))
        ]
        assert suite["tests"], name
        needed = rules.write(rules.only(written, NEEDS.of(name)), tmp_path / f"{name}.yml")
        (tmp_path / f"{name}.json").write_text(json.dumps({**suite, "rule_files": [str(needed)]}))
        done = promtool("test", "rules", tmp_path / f"{name}.json")
        return "" if done.returncode == 0 else done.stdout + done.stderr

    assert in_parallel(run, ALERT_NAMES) == []
