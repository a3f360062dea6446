"""Lists of targets are read as Prometheus reads them, and a real one is asked how."""

import contextlib
import json
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from exporter.discovery.target_groups import (
    LARGEST_YAML,
    TargetGroup,
    parse_json_groups,
    parse_yaml_groups,
)
from exporter.errors import UnreadableError
from tests.discovery.target_documents import JSON, YAML

Read = tuple[tuple[str, frozenset[tuple[str, str]]], ...]


def _ours(kind: str, text: str) -> Read | None:
    """Return the targets with their labels; None when the document is of no use."""
    parse = parse_json_groups if kind == "json" else parse_yaml_groups
    try:
        groups = parse(text.encode())
    except UnreadableError:
        return None
    return _sorted(
        # An empty label is none.
        (target, frozenset((name, value) for name, value in group.labels.items() if value))
        for group in groups
        for target in group.targets
    )


def _sorted(found: Iterator[tuple[str, frozenset[tuple[str, str]]]]) -> Read:
    return tuple(sorted(found, key=lambda each: (each[0], sorted(each[1]))))


DOCUMENTS = [("json", name) for name in JSON] + [("yml", name) for name in YAML]
IDS = [f"{kind} {name}" for kind, name in DOCUMENTS]


def _text(kind: str, name: str) -> str:
    return (JSON if kind == "json" else YAML)[name]


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What a real Prometheus has read, by job, and of which files it says that they are bad."""
    folder = tmp_path_factory.mktemp("prometheus")
    jobs = []
    for kind, name in DOCUMENTS:
        (folder / f"{name}.{kind}").write_text(_text(kind, name))
        jobs.append(
            {
                "job_name": f"{kind}/{name}",
                "file_sd_configs": [{"files": [f"{folder}/{name}.{kind}"]}],
            }
        )
    configuration = folder / "prometheus.json"
    configuration.write_text(
        json.dumps({"global": {"scrape_interval": "1h"}, "scrape_configs": jobs})
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    flags = (f"--config.file={configuration}", f"--storage.tsdb.path={folder}/data")
    process = subprocess.Popen(
        ["prometheus", *flags, f"--web.listen-address={address}"],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield _asked(address, len(DOCUMENTS))
    finally:
        process.terminate()
        process.communicate()


def _asked(address: str, wanted: int) -> dict[str, Any]:
    """Return the targets by job, once they change no more."""
    before: dict[str, Any] = {}
    for _ in range(120):
        time.sleep(0.5)
        with contextlib.suppress(httpx.HTTPError):
            answer = httpx.get(f"http://{address}/api/v1/targets", trust_env=False)
            found: dict[str, Any] = {}
            for target in answer.json()["data"]["activeTargets"]:
                found.setdefault(target["scrapePool"], []).append(target["discoveredLabels"])
            if found and found == before:
                return found
            before = found
    raise AssertionError("Prometheus tells no targets")


OWN = {"__address__", "job", "__meta_filepath", "__scrape_interval__", "__scrape_timeout__"}


@pytest.mark.real
@pytest.mark.parametrize(("kind", "name"), DOCUMENTS, ids=IDS)
def test_document_is_read_as_prometheus_reads_it(
    prometheus: dict[str, Any], kind: str, name: str
) -> None:
    defaults = {("__scheme__", "http"), ("__metrics_path__", "/metrics")}
    theirs = _sorted(
        (
            labels["__address__"],
            frozenset((n, v) for n, v in labels.items() if n not in OWN) - defaults,
        )
        for labels in prometheus.get(f"{kind}/{name}", [])
    )
    assert (_ours(kind, _text(kind, name)) or ()) == theirs


@pytest.mark.real
@pytest.mark.parametrize(("kind", "name"), DOCUMENTS, ids=IDS)
def test_document_is_of_no_use_where_promtool_says_so(kind: str, name: str, tmp_path: Path) -> None:
    targets = tmp_path / f"targets.{kind}"
    targets.write_text(_text(kind, name))
    job = {"job_name": "x", "file_sd_configs": [{"files": [str(targets)]}]}
    configuration = tmp_path / "prometheus.json"
    configuration.write_text(json.dumps({"scrape_configs": [job]}))
    done = subprocess.run(
        ["promtool", "check", "config", str(configuration)], capture_output=True, check=False
    )
    assert (_ours(kind, _text(kind, name)) is not None) == (done.returncode == 0), done.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '[{"targets": ["a"]}, {"target": []}]',
            r"\[1\]: expected targets and labels and no other",
        ),
        ('[{"targets": ["a", 1]}]', r"\[0\]\.targets\[1\]: expected a text"),
        ('[{"labels": {"a": 1}}]', r"\[0\]\.labels\.a: expected a text"),
        (
            '[{"labels": {"a-b": "hunter2"}}]',
            r"^\[0\]\.labels: expected names of labels as the keys$",
        ),
        ("{}", "expected a list of groups of targets"),
        ("[" * 100_000, "expected JSON"),
        (b"\xff".decode("latin-1"), "expected JSON"),
    ],
)
def test_problem_is_told_with_its_place_and_no_value(text: str, message: str) -> None:
    with pytest.raises(UnreadableError, match=message):
        parse_json_groups(text.encode("latin-1"))


def test_bombs_of_yaml_are_refused_at_once() -> None:
    lines = ["- &a0 {targets: [x]}"]
    lines += [f"- &a{n + 1} [{', '.join([f'*a{n}'] * 10)}]" for n in range(8)]
    wide = "- targets: &t [" + ", ".join(["x"] * 1000) + "]\n" + "- targets: *t\n" * 1000
    for text in ("\n".join(lines), wide, "[" * 1000, "x" * (LARGEST_YAML + 1)):
        with pytest.raises(UnreadableError):
            parse_yaml_groups(text.encode())


def test_very_many_targets_are_an_error() -> None:
    document = json.dumps([{"targets": ["a"] * 50_001}])
    with pytest.raises(UnreadableError, match="up to 50000 targets"):
        parse_json_groups(document.encode())
    assert parse_json_groups(b'[{"targets": ["a"]}]') == (TargetGroup(targets=("a",)),)
    with pytest.raises(UnreadableError, match="up to 50000 targets"):
        parse_json_groups(json.dumps([{"targets": ["a"] * 100}] * 501).encode())


@pytest.mark.parametrize("entry", ["{}", '{"targets": []}', '{"labels": {}}'])
def test_very_many_groups_are_an_error_though_they_have_no_targets(entry: str) -> None:
    document = f"[{entry}{f',{entry}' * 49_999}]"
    assert len(parse_json_groups(document.encode())) == 50_000
    with pytest.raises(UnreadableError, match="up to 50000 groups"):
        parse_json_groups(f"[{entry}{f',{entry}' * 50_000}]".encode())


MB = 1024 * 1024
HOSTILE = {
    "json lists": (parse_json_groups, b"[" + b"[]," * (5 * MB) + b"[]]"),
    "json objects": (parse_json_groups, b"[" + b"{}," * (5 * MB) + b"{}]"),
    "json numbers": (parse_json_groups, b"[" + b"1," * (7 * MB) + b"1]"),
    "json targets": (parse_json_groups, b'[{"targets":[' + b'"a",' * (3 * MB) + b'"a"]}]'),
    "json members": (parse_json_groups, b'[{"labels":{' + b'"a":"",' * (2 * MB) + b'"a":""}}]'),
    "yaml lists": (parse_yaml_groups, b"[" + b"[]," * 600_000 + b"[]]"),
    "yaml scalars": (parse_yaml_groups, b"[" + b"a," * 900_000 + b"a]"),
    "yaml targets": (parse_yaml_groups, b"- targets: [" + b"a," * 900_000 + b"a]"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_document_of_any_kind_holds_nobody_up(name: str) -> None:
    """It is read in a thread, but whoever decodes in C lets no other thread in meanwhile."""
    parse, content = HOSTILE[name]

    def held_up() -> float:
        problems: list[str] = []

        def read() -> None:
            try:
                parse(content)
            except UnreadableError as exc:
                problems.append(str(exc))

        thread = threading.Thread(target=read)
        thread.start()
        longest = 0.0
        while thread.is_alive():
            before = time.monotonic()
            time.sleep(0.0005)
            longest = max(longest, time.monotonic() - before)
        assert problems
        return longest

    # Once more where something else, such as a collection of garbage, came in between.
    assert any(held_up() < 0.15 for _ in range(3))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- &a {targets: [x]}\n- *a\n", ("x", "x")),
        ("- {targets: &t [x, y]}\n- {targets: *t}\n", ("x", "y", "x", "y")),
        ("- {&k targets: [&v x]}\n- {*k : [*v]}\n", ("x", "x")),
        ("# nothing\n", ()),
        ("---\n...\n", ()),
        ("- targets: [8081, 0x10, ~]\n", ("8081", "0x10", "")),
    ],
)
def test_yaml_says_the_same_by_aliases(text: str, expected: tuple[str, ...]) -> None:
    groups = parse_yaml_groups(text.encode())
    assert tuple(target for group in groups for target in group.targets) == expected


@pytest.mark.parametrize(
    "text",
    [
        "- *a\n",
        "- &a {targets: [*a]}\n",
        "- &a {}\n- &a {}\n",
        "[]\n---\n[]\n",
        "- {targets: [], targets: []}\n",
        "- {[a]: b}\n",
        "- {*a : b}\n",
        "- [[[[[x]]]]]\n",
        "- &a [[x]]\n- [[[*a]]]\n",
        "- [\n",
        "\ttargets",
    ],
)
def test_yaml_that_is_of_no_use_is_refused(text: str) -> None:
    with pytest.raises(UnreadableError):
        parse_yaml_groups(text.encode())
