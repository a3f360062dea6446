"""What is wrong with a setting is said in words, and not in those of the library that found it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from exporter import platforms
from exporter.attention_settings import AttentionSettings
from exporter.configuration.config import parse
from exporter.configuration.yaml_documents import problems_of
from exporter.edge.settings import EdgeSettings
from exporter.errors import ConfigError
from exporter.listening.settings import WebSettings
from exporter.settings import Section
from tests.configuration.configurations import HIDDEN, NOWHERE

MODELS: dict[str, type[Section]] = {
    **{name: platforms.load(name).settings for name in platforms.names()},
    "attention": AttentionSettings,
    "edge": EdgeSettings,
    "web": WebSettings,
}
_LONG = "x" * 3000
WRONG: tuple[Any, ...] = (
    *("", " ", "é ß", "a b", "-", "?", "/", "\x00", _LONG, "12345", "http://", "${", "{name}"),
    *(-1, 0, 1.5, 10**30, float("nan"), float("inf"), True, None, [], {}),
    *([""], [" "], ["é ß"], [-1], [None], [[]], ["a"] * 3000, ["a", "a"], [_LONG]),
    *({"": ""}, {"é ß": _LONG}, {1: 2}, {"a": {}}, {"a": None}),
)
"""Values of all kinds; hardly any setting takes more than a few of them."""
_FOREIGN = re.compile(r"should|[Ii]nput |pattern|pydantic|[Uu]nable|valid (string|integer)|\^|\\")


def _sections(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in getattr(annotation, "__args__", ()):
        yield from _sections(each)


def _documents(model: type[BaseModel], value: Any) -> Iterator[dict[str, Any]]:
    """Yield a document for each setting of a section and those in it, which alone is wrong."""
    for name, field in model.model_fields.items():
        yield {name: value}
        for section in _sections(field.annotation):
            for inner in _documents(section, value):
                yield from ({name: inner}, {name: [inner]}, {name: {"a": inner}})


def _sentences(model: type[Section]) -> set[str]:
    found = set()
    for value in WRONG:
        for document in _documents(model, value):
            try:
                model.model_validate(document, context={"directory": NOWHERE})
            except ValidationError as exc:
                found |= {each.message for each in problems_of(exc, "", model, document, {})}
    return found


@pytest.mark.parametrize("name", MODELS)
def test_no_sentence_is_one_of_the_library(name: str) -> None:
    sentences = _sentences(MODELS[name])
    assert len(sentences) > 5
    assert [each for each in sentences if _FOREIGN.search(each)] == []


def _told(settings: str) -> str:
    text = f"sources: [{{name: a, {settings}}}]\n"
    with pytest.raises(ConfigError) as caught:
        parse(text, environ={}, directory=NOWHERE, file="x.yml")
    (line,) = str(caught.value).splitlines()
    return line.partition('"a": ')[2]


_REGIONS = {
    "platform: huawei_dli, project_id: p": "the code of a region, such as cn-north-4",
    "platform: huawei_dataarts, project_id: p": "the code of a region, such as cn-north-4",
    "platform: alibaba_blink, projects: [p]": "the id of a region, such as cn-shanghai",
    "platform: alibaba_flink, workspace: w, namespaces: [n]": (
        "the id of a region, such as cn-shanghai"
    ),
    "platform: aws_flink": "the code of a region, such as eu-west-1",
    "platform: tencent_oceanus": "the code of a region, such as ap-guangzhou",
}


@pytest.mark.parametrize("settings", _REGIONS)
@pytest.mark.parametrize("found", ["guangzhou", "CN_North_4", "华北 北京四", "cn north 4"])
def test_region_that_is_none_is_told_with_one_that_is(settings: str, found: str) -> None:
    expected = _REGIONS[settings]
    assert _told(f"{settings}, region: {found}") == (
        f'region: expected {expected}, found "{found}"'
    )


@pytest.mark.parametrize(
    "secret",
    [HIDDEN, "P4ssw0rd", "LTAI5tEXAMPLE", "wJalrXUtnFEMIK7MDENG", "correct-horse-battery-staple"],
)
def test_what_may_be_a_secret_is_not_quoted_as_a_region(secret: str) -> None:
    line = _told(f"platform: tencent_oceanus, region: '{secret}'")
    assert line == "region: expected the code of a region, such as ap-guangzhou"


def test_what_each_text_has_to_be_is_said() -> None:
    flink = "platform: apache_flink, discovery"
    huawei = "platform: huawei_dli, region: cn-north-4, project_id"
    assert [
        _told(f"{huawei}: 'a b'"),
        _told(f"{huawei}: p, auth: {{assume_agency: {{agency: a, domain_id: '?'}}}}"),
        _told(f"{flink}: {{kubernetes: {{port: Rest}}}}"),
        _told(f"{flink}: {{kubernetes: {{port: [8081]}}}}"),
        _told(f"{flink}: {{kubernetes: {{label_selector: ''}}}}"),
        _told(f"{flink}: {{yarn: {{endpoints: []}}}}"),
        _told(f"{flink}: {{dns: {{names: [a], path: flink}}}}"),
        _told("platform: aws_flink, region: eu-west-1, auth: {role_arn: reader}"),
        _told(f"platform: kafka_connect, endpoint: 'http://h', cluster: {'x' * 250}"),
    ] == [
        "project_id: expected the id of a project: up to 64 letters, digits, dashes or underscores",
        "auth.assume_agency.domain_id: expected the id of an account: up to 64 letters, digits, "
        "dashes or underscores",
        "discovery.kubernetes.port: expected the number or the name of a port, such as 8081 or "
        "rest",
        "discovery.kubernetes.port: expected the number or the name of a port, such as 8081 or "
        "rest, found a list",
        "discovery.kubernetes.label_selector: expected a text of 1 or more characters",
        "discovery.yarn.endpoints: expected a list of 1 or more, found an empty list",
        "discovery.dns.path: expected a path such as /flink",
        "auth.role_arn: expected arn:aws:iam::<account>:role/<name>",
        "cluster: expected a text of at most 249 characters",
    ]
