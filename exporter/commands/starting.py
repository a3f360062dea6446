"""Fill in the configuration that somebody begins with: one text a platform, and what it asks for.

The texts are files of `starters`, whole and good as they are; the same ones are the examples of the
documents. What is asked for takes the place of the value that stands there.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType

import yaml

SCHEMA = "https://git.example/streaming-job-exporter/raw/main/docs/exporter.schema.json"
"""Where the schema is published, for editors; it is `docs/exporter.schema.json` of the project."""
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./:-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One thing that a platform has to be told."""

    flag: str
    """What is asked for on the command line."""
    key: str
    """The setting that it becomes."""
    is_list: bool = False
    required: bool = True


NAME = Question(flag="name", key="name")
"""What every source has; it is not asked for."""
_REGION = Question(flag="region", key="region")
_ENDPOINT = Question(flag="endpoint", key="endpoint")
_PROJECT_ID = Question(flag="project-id", key="project_id")

QUESTIONS: Mapping[str, tuple[Question, ...]] = MappingProxyType(
    {
        "alibaba_blink": (_REGION, Question(flag="project", key="projects", is_list=True)),
        "alibaba_flink": (
            _REGION,
            Question(flag="workspace", key="workspace"),
            Question(flag="namespace", key="namespaces", is_list=True),
        ),
        "apache_flink": (_ENDPOINT,),
        "aws_flink": (_REGION,),
        "flink_operator": (
            Question(flag="namespace", key="namespaces", is_list=True, required=False),
        ),
        "huawei_dataarts": (
            _REGION,
            _PROJECT_ID,
            Question(flag="workspace", key="workspace", required=False),
        ),
        "huawei_dli": (_REGION, _PROJECT_ID),
        "kafka_connect": (_ENDPOINT,),
        "tencent_oceanus": (
            _REGION,
            Question(flag="workspace", key="workspaces", is_list=True, required=False),
        ),
    }
)
"""What each platform asks for, in the order of the text."""
PLATFORMS = tuple(QUESTIONS)
ASKED = tuple(sorted({each.flag for questions in QUESTIONS.values() for each in questions}))


def keys_of(flag: str) -> frozenset[str]:
    """Return the settings that a flag becomes, of one platform or another."""
    questions = (each for asked in QUESTIONS.values() for each in asked)
    return frozenset(each.key for each in questions if each.flag == flag)


def starter(platform: str) -> str:
    """Return the text that a source of a platform begins with."""
    return (files(__package__) / "starters" / f"{platform}.yml").read_text(encoding="utf-8")


def example(platform: str, question: Question) -> str:
    """Return the value that stands in the text of a platform where an answer would."""
    (source,) = yaml.safe_load(starter(platform))["sources"]
    value = source.get(question.key, "")
    return str(value[0] if question.is_list and value else value)


def headed(text: str, schema: str) -> str:
    """Return a configuration whose first line tells editors where its schema is."""
    return f"# yaml-language-server: $schema={schema}\n{text}"


def filled(platform: str, answers: Mapping[str, str]) -> str:
    """Return the text of a platform with answers in it, by the flags that they are given with.

    `name` is the name of the source. Whatever is not answered stays as it is.
    """
    text = starter(platform)
    for question in (NAME, *QUESTIONS[platform]):
        if answer := answers.get(question.flag):
            value = _written(answer)
            text = _with(text, question.key, f"[{value}]" if question.is_list else value)
    return text


def _with(text: str, key: str, value: str) -> str:
    """Put a value in the place of the first one of a key, which may be commented out."""
    return re.sub(
        rf"^(  (?:- |  ))(?:# )?{key}: .*$",
        lambda match: f"{match[1]}{key}: {value}",
        text,
        count=1,
        flags=re.MULTILINE,
    )


def _written(answer: str) -> str:
    """Write a text as YAML: as it is where that means the same, else in quotes."""
    return answer if _is_plain(answer) else json.dumps(answer, ensure_ascii=False)


def _is_plain(answer: str) -> bool:
    if not _PLAIN.fullmatch(answer):
        return False
    try:
        return bool(yaml.safe_load(answer) == answer)
    except (yaml.YAMLError, ValueError, OverflowError):
        # It looks like a date or a number and is none.
        return False
