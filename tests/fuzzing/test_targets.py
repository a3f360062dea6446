"""Every reader of what comes from outside is a target, and no target stumbles over what is kept."""

import ast
import importlib
from dataclasses import replace
from pathlib import Path

import pytest

import exporter
from fuzz import targets
from fuzz.page import Pages, Unsound, read_page
from fuzz.target import ROOT, Form, Target
from tests.jobs import job

TARGETS = targets.all_targets()
EXPORTER = Path(exporter.__file__).parent
READS = ("parse_", "read_refusal", "read_report", "decode_object")
TOLD_APART = {
    "exporter.configuration.checking.parse_text": "exporter.configuration.config.parse",
    "exporter.upstream.refusals.ReadRefusal": "a type",
}
"""Readers that only hand on to another one."""


def _names(target: Target) -> set[str]:
    return {f"{each.__module__}.{each.__qualname__}" for each in target.covers}


def _readers() -> set[str]:
    """Return every public function of the exporter whose name says that it reads."""
    found = set()
    for path in EXPORTER.rglob("*.py"):
        parts = path.relative_to(EXPORTER.parent).with_suffix("").parts
        if "simulator" not in parts:
            found |= {
                f"{'.'.join(parts)}.{node.name}"
                for node in ast.parse(path.read_text()).body
                if isinstance(node, ast.FunctionDef) and node.name.startswith(READS)
            }
    return found


def test_every_function_that_reads_what_comes_from_outside_is_a_target() -> None:
    covered = {name for target in TARGETS.values() for name in _names(target)}
    assert _readers() - covered - TOLD_APART.keys() == set()
    assert "exporter.platforms.huawei_dli.parse_list" in _readers()


def test_what_targets_cover_is_there() -> None:
    for target in TARGETS.values():
        for name in _names(target):
            module, _, function = name.rpartition(".")
            assert callable(getattr(importlib.import_module(module), function))


@pytest.mark.parametrize("name", TARGETS)
def test_target_has_good_inputs_to_begin_with(name: str) -> None:
    target = replace(TARGETS[name], name="new")
    assert list(targets.inputs_of(target))


@pytest.mark.parametrize("name", TARGETS)
def test_target_does_not_stumble_over_what_is_kept(name: str) -> None:
    for data in targets.inputs_of(TARGETS[name]):
        TARGETS[name].check(data)


def test_every_kept_input_belongs_to_a_target() -> None:
    assert {path.stem for path in (ROOT / "corpus").iterdir()} == TARGETS.keys()
    assert {path.name for path in (ROOT / "regressions").iterdir()} <= TARGETS.keys()


def test_inputs_are_kept_as_they_are(tmp_path: Path) -> None:
    class Elsewhere(Target):
        @property
        def corpus(self) -> Path:
            return tmp_path / "corpus" / "elsewhere.jsonl"

    target = Elsewhere(name="new", form=Form.TEXT, check=lambda data: None, covers=())
    given = [bytes(range(256)), b"", b"\n\xe2\x80\xa8", "😀".encode()]
    targets.keep(target, given)
    assert sorted(targets.inputs_of(target)) == sorted(given)


def test_page_with_a_text_that_is_no_unicode_is_stumbled_over() -> None:
    with pytest.raises(Unsound, match="UnicodeEncodeError"):
        Pages().show([job("\ud800")], read_back=False)


def test_page_with_a_number_that_is_too_large_is_stumbled_over() -> None:
    with pytest.raises(Unsound, match="OverflowError"):
        Pages().show([job(tasks=(("running", 10**400),))], read_back=False)


def test_jobs_that_share_a_key_are_shown_once() -> None:
    pages = Pages()
    pages.show([job("a"), job("a")._replace(job_name="later")], read_back=True)
    assert b'job_name="later"' in pages.texts()[0]


@pytest.mark.parametrize(
    ("text", "openmetrics"),
    [
        (b"streaming_job_x 1\nstreaming_job_x 2\n", b"# TYPE streaming_job_x gauge\n# EOF\n"),
        (b"streaming_job_x 1\n", b"# TYPE streaming_job_x gauge\nstreaming_job_x 2\n# EOF\n"),
        (b"streaming_job_x 1\n", b"# EOF\n"),
    ],
)
def test_page_that_no_reader_should_accept_is_unsound(text: bytes, openmetrics: bytes) -> None:
    with pytest.raises(Unsound):
        read_page(text, openmetrics)
