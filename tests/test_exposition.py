"""The page is what Prometheus' own client would print, and ready in every form."""

import asyncio
import gzip
import re
import subprocess
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Info
from prometheus_client import exposition as text_format
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.utils import floatToGoString

from exporter.exposition import (
    OPENMETRICS,
    TEXT,
    Exposition,
    LineWriter,
    escape,
    format_value,
    wants_gzip,
    wants_openmetrics,
)
from exporter.exposition.pieces import Deflater, Piece
from exporter.metrics import IDENTITY, JOB_FAMILIES, SOURCE_FAMILIES, JobFamily, SourceFamily
from exporter.model import Job, Node, Snapshot, State
from exporter.store import Store, fresh
from exporter.telemetry import Telemetry
from tests.jobs import job, snapshot
from tests.virtual_time import EPOCH

HOSTILE = [
    *('"', "\\", "\n", "\\n", '\\"', "\r", "\t", "\0", "\x85", "\u2028", "\u2029", "\ufeff"),
    *(
        "%",
        "%s",
        "%%",
        "%(x)d",
        "{0}",
        "😀",
        "任务",
        "{}",
        "a=b,c",
        "# EOF",
        "# HELP x",
        " ",
        "",
        "\u202e",
        "\U0010ffff",
    ),
]
Accept = Mapping[str, str]
AS_TEXT: Accept = {}
AS_OPENMETRICS: Accept = {"accept": "application/openmetrics-text"}


class Clock:
    """A clock that only moves when told to."""

    def __init__(self, now: float = EPOCH) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def _store(*snapshots: Snapshot) -> Store:
    store = Store()
    for each in snapshots:
        store.put(each)
    return store


def _own() -> CollectorRegistry:
    """Return metrics of the exporter itself that do not change by themselves."""
    registry = CollectorRegistry()
    Counter("own_requests", "Requests.", ["code"], registry=registry).labels('2"00').inc(3)
    Info("own_build", "Version.", registry=registry).info({"version": "1\n2"})
    return registry


OWN = _own()


def _exposition(*snapshots: Snapshot, now: float = EPOCH) -> Exposition:
    return Exposition(_store(*snapshots), OWN, clock=Clock(now))


def _page(exposition: Exposition, accept: Accept = AS_TEXT) -> bytes:
    body, headers = exposition.scrape(**accept)
    assert "content-encoding" not in headers
    return body


def _lines(exposition: Exposition, name: str) -> list[str]:
    """Return the samples of one family as they are on the page."""
    text = _page(exposition).decode()
    return [line for line in text.split("\n") if re.match(rf"{name}[{{ ]", line)]


# What the client library would print for the same samples.


class Reference:
    """Collect the same families the slow way."""

    def __init__(self, snapshots: Iterable[Snapshot]) -> None:
        self._snapshots = list(snapshots)

    def collect(self) -> Iterable[GaugeMetricFamily]:
        for family in JOB_FAMILIES:
            metric = GaugeMetricFamily(family.name, family.help)
            for each in self._snapshots:
                for one in {known.key: known for known in each.jobs}.values():
                    self._add(metric, family, one, each)
            yield metric
        for source_family in SOURCE_FAMILIES:
            metric = GaugeMetricFamily(source_family.name, source_family.help)
            for each in self._snapshots:
                for values, number in source_family.samples(each):
                    labels = dict(zip(source_family.labels, values, strict=True))
                    metric.add_sample(source_family.name, labels, number)
            yield metric

    @staticmethod
    def _add(metric: GaugeMetricFamily, family: JobFamily, one: Job, each: Snapshot) -> None:
        identity = (each.source, each.platform, one.project, one.job_id, one.job_name)
        names = (*IDENTITY, *family.labels)
        if family.configured_labels:
            names += tuple(name for name, _ in each.labels)
        for values, number in family.samples(one, each):
            labels = dict(zip(names, (*identity, *values), strict=True))
            metric.add_sample(family.name, labels, number)


def _expected(snapshots: Iterable[Snapshot], accept: Accept, now: float = EPOCH) -> bytes:
    registry = CollectorRegistry()
    registry.register(Reference(fresh(each, now) for each in snapshots))
    if not accept:
        return text_format.generate_latest(registry) + text_format.generate_latest(OWN)
    page: bytes = openmetrics.generate_latest(registry).removesuffix(b"# EOF\n")  # type: ignore[no-untyped-call]
    tail: bytes = openmetrics.generate_latest(OWN)  # type: ignore[no-untyped-call]
    return page + tail


texts = st.one_of(
    st.sampled_from(HOSTILE),
    st.lists(st.sampled_from(HOSTILE), max_size=4).map("".join),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)
numbers = st.none() | st.floats() | st.sampled_from([0.0, -0.0, 1e6, 123456789.0, 1e300, 5e-324])
counts = st.none() | st.integers(0, 10**12)
nodes = st.builds(
    Node,
    name=texts,
    node_type=texts,
    state=st.sampled_from(State),
    native_status=texts,
    run_id=texts,
)


def _facts() -> dict[str, st.SearchStrategy[Any]]:
    """Return a strategy for each field of a job that the table could show."""
    by_type: dict[object, st.SearchStrategy[Any]] = {
        str: texts,
        float | None: numbers,
        int | None: counts,
        bool | None: st.none() | st.booleans(),
    }
    named: dict[str, st.SearchStrategy[Any]] = {
        "state": st.sampled_from(State),
        "tasks": st.lists(st.tuples(texts, st.integers(0, 10**6)), max_size=3).map(tuple),
        "nodes": st.lists(nodes, max_size=3).map(tuple),
        "observed_timestamp": st.floats(EPOCH - 400, EPOCH),
    }
    return named | {
        each.name: by_type[each.type]
        for each in fields(Job)
        if each.type in by_type and each.name not in named
    }


jobs = st.builds(Job, **_facts())
label_names = st.sampled_from(["team", "stage", "_x", "z", "aa", "platform_x"])
snapshots = st.builds(
    Snapshot,
    source=st.sampled_from(["a", "b", "c"]),
    platform=st.sampled_from(["huawei_dli", "apache_flink"]),
    labels=st.dictionaries(label_names, texts, max_size=3).map(lambda each: tuple(each.items())),
    up=st.none() | st.booleans(),
    last_success_timestamp=st.none() | st.floats(EPOCH - 400, EPOCH),
    poll_duration_seconds=numbers,
    detail_age_seconds=numbers,
    stale_after=st.just(300.0),
    all_states=st.booleans(),
    jobs=st.lists(jobs, max_size=3).map(tuple),
    absent=st.lists(texts, max_size=3).map(tuple),
)


@pytest.mark.parametrize("accept", [AS_TEXT, AS_OPENMETRICS], ids=["text", "openmetrics"])
@settings(max_examples=50, deadline=None)
@given(given_snapshots=st.lists(snapshots, max_size=3))
def test_page_is_byte_for_byte_what_the_client_library_prints(
    accept: Accept, given_snapshots: list[Snapshot]
) -> None:
    store = _store(*given_snapshots)
    page = _page(Exposition(store, OWN, clock=Clock()), accept)
    assert page == _expected(store.snapshots.values(), accept)


@pytest.mark.parametrize("accept", [AS_TEXT, AS_OPENMETRICS], ids=["text", "openmetrics"])
@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_label_value_is_printed_as_the_client_library_does(
    accept: Accept, value: str
) -> None:
    hostile = job(value, project=value, queue=value, error_id=value, tasks=((value, 1),))
    held = snapshot(hostile, labels=(("team", value),), absent=(value,))
    assert _page(_exposition(held), accept) == _expected([held], accept)


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_label_value_comes_back_from_the_page_as_it_was(value: str) -> None:
    page = _page(_exposition(snapshot(job("x", queue=value)))).decode()
    # The parser of the library splits at "\n" only, as Prometheus does.
    (info,) = (
        sample
        for family in parse_text(page)
        for sample in family.samples
        if sample.name == "streaming_job_info"
    )
    assert info.labels["queue"] == value


def _as_go(value: float) -> str:
    text: str = floatToGoString(value)  # type: ignore[no-untyped-call]
    return text


@given(st.floats() | st.integers(-(10**18), 10**18).map(float))
def test_number_is_written_as_go_writes_it(value: float) -> None:
    assert format_value(value) == _as_go(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (999999.0, "999999.0"),
        (1e6, "1e+06"),
        (1234567.0, "1.234567e+06"),
        (-1234567.0, "-1234567.0"),
        (1_700_000_000.123, "1.700000000123e+09"),
        (1e15, "1e+15"),
        (1e16, "1e+16"),
        (1e100, "1e+100"),
        (1e-7, "1e-07"),
        (float("inf"), "+Inf"),
        (float("-inf"), "-Inf"),
        (float("nan"), "NaN"),
    ],
)
def test_number_is_written_so(value: float, text: str) -> None:
    assert format_value(value) == text == _as_go(value)


@pytest.mark.parametrize(
    ("value", "escaped"),
    [("\\", "\\\\"), ("\n", "\\n"), ('"', '\\"'), ("\\n", "\\\\n"), ("\r\u2028'", "\r\u2028'")],
)
def test_label_value_is_escaped_so(value: str, escaped: str) -> None:
    assert escape(value) == escaped


# One line.


def test_line_has_its_labels_sorted_by_name() -> None:
    writer = LineWriter("m", {"b": "1", "d": "2"}, ("c", "a"))
    assert writer.line(("3", "4"), 5.0) == 'm{a="4",b="1",c="3",d="2"} 5.0\n'
    assert writer.line(('"', "\\"), 6.0) == 'm{a="\\\\",b="1",c="\\"",d="2"} 6.0\n'


def test_line_without_labels_has_no_braces() -> None:
    assert LineWriter("m", {}, ()).line((), 1.0) == "m 1.0\n"
    assert LineWriter("m", {"a": "1"}, ()).line((), 1.0) == 'm{a="1"} 1.0\n'
    assert LineWriter("m", {}, ("a",)).line(("1",), 1.0) == 'm{a="1"} 1.0\n'


@pytest.mark.parametrize("values", [(), ("1",), ("1", "2", "3")])
def test_line_is_refused_when_the_labels_are_not_as_many_as_the_family_has(
    values: tuple[str, ...],
) -> None:
    with pytest.raises(ValueError, match=r"^m: expected 2 label values"):
        LineWriter("m", {"x": "0"}, ("a", "b")).line(values, 1.0)


@pytest.mark.parametrize(
    ("fixed", "remaining"), [({"a": "1"}, ("a",)), ({}, ("a", "a")), ({"b": ""}, ("a", "b"))]
)
def test_writer_is_refused_when_a_label_is_given_twice(
    fixed: dict[str, str], remaining: tuple[str, ...]
) -> None:
    with pytest.raises(ValueError, match=r"^m: a label is given twice$"):
        LineWriter("m", fixed, remaining)


# No series twice.


def _assert_no_series_twice(page: bytes) -> None:
    seen = [
        (sample.name, tuple(sorted(sample.labels.items())))
        for family in parse_text(page.decode())
        for sample in family.samples
    ]
    assert len(set(seen)) == len(seen)
    names = re.findall(r"^# TYPE (\S+)", page.decode(), re.MULTILINE)
    assert len(set(names)) == len(names)


@settings(max_examples=25, deadline=None)
@given(given_snapshots=st.lists(snapshots, max_size=3))
def test_no_series_is_on_the_page_twice_whatever_the_jobs(
    given_snapshots: list[Snapshot],
) -> None:
    _assert_no_series_twice(_page(_exposition(*given_snapshots)))


def test_job_with_the_key_of_another_takes_its_place() -> None:
    held = snapshot(job("a", parallelism=1), job("b"), job("a", parallelism=2))
    exposition = _exposition(held)
    _assert_no_series_twice(_page(exposition))
    (line,) = _lines(exposition, "streaming_job_parallelism")
    assert line.endswith(" 2.0")


def test_node_with_the_name_of_another_takes_its_place() -> None:
    twins = (Node(name="n", state=State.RUNNING), Node(name="n", state=State.FAILED))
    others = (Node(name="n", node_type="DLI"), Node(name="m"))
    for all_states in (True, False):
        exposition = _exposition(snapshot(job(nodes=twins + others), all_states=all_states))
        _assert_no_series_twice(_page(exposition))
    failed = [line for line in _lines(exposition, "streaming_job_node_state") if "failed" in line]
    assert len(failed) == 1


def test_task_state_and_expectation_given_twice_are_on_the_page_once() -> None:
    held = snapshot(job(tasks=(("running", 1), ("running", 2))), absent=("x.*", "x.*"))
    exposition = _exposition(held)
    _assert_no_series_twice(_page(exposition))
    assert len(_lines(exposition, "streaming_job_tasks")) == 1
    assert len(_lines(exposition, "streaming_job_absent")) == 1


# Keeping the page.


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(st.tuples(snapshots, st.booleans()), max_size=6))
def test_page_rendered_step_by_step_is_the_page_rendered_at_once(
    steps: list[tuple[Snapshot, bool]],
) -> None:
    store = Store()
    exposition = Exposition(store, OWN, clock=Clock())
    for each, removed in steps:
        store.put(each)
        exposition.refresh()
        if removed:
            store.remove(each.source)
            exposition.refresh()
    at_once = Exposition(store, OWN, clock=Clock())
    assert _page(exposition) == _page(at_once)


edits = st.lists(
    st.tuples(
        st.sampled_from(["change", "insert", "remove", "repeat", "move"]),
        st.integers(0, 119),
        st.sampled_from(
            [
                *({"parallelism": 0}, {"parallelism": 2}, {"duration_seconds": -0.0}),
                *({"duration_seconds": 0.0}, {"state": State.FAILED}, {"queue": 'a"\n\\'}),
                *({"job_name": "renamed"}, {"error_id": "E"}, {"tasks": (("running", 1),)}),
                *({"nodes": (Node(name="n"),)}, {"expected_running": True}, {"stale": False}),
                {"observed_timestamp": EPOCH + 1},
            ]
        ),
    ),
    min_size=1,
    max_size=8,
)


def _edited(held: tuple[Job, ...], kind: str, place: int, facts: dict[str, Any]) -> tuple[Job, ...]:
    """Return the jobs after one edit somewhere among them."""
    place %= len(held)
    changed = replace(held[place], **facts)
    before, after = held[:place], held[place + 1 :]
    return {
        "change": (*before, changed, *after),
        "insert": (*before, replace(changed, job_id=f"new-{len(held)}"), *held[place:]),
        "remove": (*before, *after) or held,
        "repeat": (*held, changed),
        "move": (*after, held[place], *before),
    }[kind]


@settings(max_examples=25, deadline=None)
@given(count=st.integers(1, 120), rounds=st.lists(edits, max_size=4))
def test_page_of_many_jobs_is_what_the_client_library_prints_after_every_edit(
    count: int, rounds: list[list[tuple[str, int, dict[str, Any]]]]
) -> None:
    held = _fleet(count)
    store = _store(held)
    exposition = Exposition(store, OWN, clock=Clock())
    for changes in rounds:
        for change in changes:
            held = replace(held, jobs=_edited(held.jobs, *change))
        store.put(held)
        exposition.refresh()
        assert _page(exposition) == _expected([held], AS_TEXT)


@pytest.mark.parametrize(
    "change",
    [
        {"labels": (("team", "b"),)},
        {"all_states": False},
        {"platform": "huawei_dataarts"},
        {"jobs": (job("a", parallelism=9), job("b"))},
        {"jobs": (job("b"),)},
        {"jobs": (job("b"), job("a"))},
        {"absent": ("x",)},
        {"up": False},
    ],
)
def test_change_of_what_is_on_the_lines_is_on_the_next_page(change: dict[str, Any]) -> None:
    before = snapshot(job("a"), job("b"), labels=(("team", "a"),))
    after = replace(before, **change)
    store = _store(before)
    exposition = Exposition(store, OWN, clock=Clock())
    store.put(after)
    exposition.refresh()
    assert _page(exposition) == _expected([after], AS_TEXT)
    assert _page(exposition) != _expected([before], AS_TEXT)


def test_removed_source_leaves_the_page() -> None:
    store = _store(snapshot(job("a")), snapshot(job("b"), source="other"))
    exposition = Exposition(store, OWN, clock=Clock())
    store.remove("dli")
    exposition.refresh()
    assert b'source="dli"' not in _page(exposition)
    assert b'source="other"' in _page(exposition)


def _fleet(count: int, **facts: Any) -> Snapshot:
    return snapshot(*(job(f"job-{number}", **facts) for number in range(count)))


async def _watch(exposition: Exposition) -> set[bytes]:
    """Render in turns; return every page that was there meanwhile, of which one is the last."""
    rendering = asyncio.create_task(exposition.refresh_in_turns())
    pages = set()
    turns = 0
    while not rendering.done():
        pages.add(_page(exposition))
        turns += 1
        await asyncio.sleep(0)
    await rendering
    assert turns > 20
    return pages | {_page(exposition)}


def test_page_rendered_in_turns_is_the_old_one_until_it_is_the_new_one() -> None:
    before, after = _fleet(3), _fleet(500, parallelism=2)
    store = _store(before)
    exposition = Exposition(store, OWN, clock=Clock())
    store.put(after)
    pages = asyncio.run(_watch(exposition))
    assert pages == {_expected([before], AS_TEXT), _expected([after], AS_TEXT)}
    assert _page(exposition) == _expected([after], AS_TEXT)


def test_page_rendered_in_turns_does_not_replace_a_newer_one() -> None:
    async def scenario() -> bytes:
        store = _store(_fleet(500))
        exposition = Exposition(store, OWN, clock=Clock())
        store.put(_fleet(400, parallelism=1))
        rendering = asyncio.create_task(exposition.refresh_in_turns())
        await asyncio.sleep(0)
        store.put(newest)
        exposition.refresh()
        await rendering
        return _page(exposition)

    newest = _fleet(2, parallelism=7)
    assert asyncio.run(scenario()) == _expected([newest], AS_TEXT)


def test_page_is_ready_from_the_start() -> None:
    assert _lines(_exposition(snapshot(job())), "streaming_source_up") == [
        'streaming_source_up{platform="huawei_dli",source="dli"} 1.0'
    ]


def test_page_without_sources_has_every_family_and_no_sample_of_them() -> None:
    page = _page(_exposition())
    assert page == _expected([], AS_TEXT)
    assert b"streaming_job_state{" not in page


def test_stale_jobs_leave_the_page_at_stale_after_without_a_new_publication() -> None:
    clock = Clock()
    held = snapshot(job("old"), job("new", observed_timestamp=EPOCH + 100), absent=("x",))
    exposition = Exposition(_store(held), OWN, clock=clock)

    def shown() -> list[str]:
        lines = _lines(exposition, "streaming_job_observed_timestamp_seconds")
        return re.findall(r'job_name="(\w+)"', "".join(lines))

    assert exposition.stale_at == pytest.approx(EPOCH + 300, abs=0.01)
    clock.now = EPOCH + 300
    assert shown() == ["old", "new"]
    assert len(_lines(exposition, "streaming_job_absent")) == 1
    clock.now = EPOCH + 300.01
    assert shown() == ["new"]
    assert _lines(exposition, "streaming_job_absent") == []
    assert [line for line in _lines(exposition, "streaming_source_jobs") if line.endswith(" 1.0")]
    assert exposition.stale_at == pytest.approx(EPOCH + 400, abs=0.01)
    clock.now = EPOCH + 400.01
    assert shown() == []
    assert exposition.stale_at is None
    # What is known of the source itself stays.
    assert len(_lines(exposition, "streaming_source_last_success_timestamp_seconds")) == 1


def test_stale_jobs_are_withdrawn_in_turns_once_however_many_wait_for_it() -> None:
    class Counting(Clock):
        """A clock that counts how often someone asks what is fresh."""

        asked = 0

        def __call__(self) -> float:
            self.asked += 1
            return self.now

    async def scenario() -> tuple[int, int]:
        await exposition.withdraw_stale()
        before = clock.asked
        clock.now = EPOCH + 1000
        await exposition.withdraw_stale()
        alone = clock.asked - before
        clock.now = EPOCH
        exposition.refresh()
        clock.now = EPOCH + 1000
        before = clock.asked
        await asyncio.gather(*(exposition.withdraw_stale() for _ in range(10)))
        # Each of the others looks twice at the page, and finds nothing left to do.
        return alone, clock.asked - before

    clock = Counting()
    exposition = Exposition(_store(_fleet(100)), OWN, clock=clock)
    alone, together = asyncio.run(scenario())
    assert together < alone + 2 * 10
    assert exposition.stale_at is None
    assert b"job_name=" not in _page(exposition)


def test_stale_jobs_leave_the_compressed_page_as_well() -> None:
    clock = Clock()
    exposition = Exposition(_store(snapshot(job("old"))), OWN, clock=clock)
    clock.now = EPOCH + 1000
    body, _ = exposition.scrape(accept_encoding="gzip")
    assert b'job_name="old"' not in gzip.decompress(body)


# Forms of the page.


@pytest.mark.parametrize("accept", [AS_TEXT, AS_OPENMETRICS], ids=["text", "openmetrics"])
@settings(max_examples=20, deadline=None)
@given(given_snapshots=st.lists(snapshots, max_size=2))
def test_compressed_page_is_one_gzip_member_of_the_plain_page(
    accept: Accept, given_snapshots: list[Snapshot]
) -> None:
    exposition = _exposition(*given_snapshots)
    plain = _page(exposition, accept)
    body, headers = exposition.scrape(**accept, accept_encoding="gzip")
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(body) == plain
    member = zlib.decompressobj(16 + zlib.MAX_WBITS)
    assert member.decompress(body) == plain
    assert (member.eof, member.unused_data) == (True, b"")


def test_compressed_page_of_many_jobs_is_small_and_whole() -> None:
    held = snapshot(*(job(f"job-{number}") for number in range(2000)))
    exposition = _exposition(held)
    body, _ = exposition.scrape(accept_encoding="gzip")
    plain = _page(exposition)
    assert gzip.decompress(body) == plain
    assert len(body) < len(plain) / 10


def test_page_of_thousands_of_jobs_that_differ_in_everything_is_whole() -> None:
    random = Random(1)
    held = snapshot(
        *(
            job(
                random.randbytes(32).hex(),
                queue=random.randbytes(64).hex(),
                duration_seconds=random.random(),
                tasks=(("running", number),),
            )
            for number in range(4200)
        )
    )
    exposition = _exposition(held)
    expected = _expected([held], AS_TEXT)
    assert _page(exposition) == expected
    body, headers = exposition.scrape(accept_encoding="gzip")
    assert gzip.decompress(body) == expected
    assert headers["content-length"] == str(len(body))


def test_compressed_page_follows_the_exporters_own_metrics() -> None:
    own = _own()
    exposition = Exposition(_store(snapshot(job())), own, clock=Clock())
    exposition.scrape(accept_encoding="gzip")
    Counter("later", "Made after the page.", registry=own).inc()
    body, _ = exposition.scrape(accept_encoding="gzip")
    assert b"later_total 1.0\n" in gzip.decompress(body)


PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_2_PROTOBUF = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,"
    "application/openmetrics-text;version=1.0.0;q=0.8,"
    "application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)
PROMETHEUS_TEXT_ONLY = "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
PROMETHEUS_TEXT_FIRST = (
    "text/plain;version=0.0.4;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.2"
)
BROWSER = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8,"
    "application/signed-exchange;v=b3;q=0.7"
)


@pytest.mark.parametrize(
    ("accept", "openmetrics_wanted"),
    [
        (PROMETHEUS_2, True),
        (PROMETHEUS_2_PROTOBUF, True),
        (PROMETHEUS_3, True),
        (PROMETHEUS_TEXT_ONLY, False),
        (PROMETHEUS_TEXT_FIRST, False),
        (BROWSER, False),
        ("*/*", False),
        ("", False),
        ("text/plain", False),
        ("application/json", False),
        ("application/*", False),
        ("application/openmetrics-text", True),
        ("Application/OpenMetrics-Text ; Version=1.0.0 ; Q=0.1", True),
        ("application/openmetrics-text;q=0", False),
        ("application/openmetrics-text;q=0.0, text/plain;q=0", False),
        ("application/openmetrics-text;q=0.5, text/plain;q=0.5", True),
        ("application/openmetrics-text;q=0.4, text/plain;q=0.5", False),
        ("application/openmetrics-text;q=0.4, text/plain", False),
        ("application/openmetrics-text;q=high", False),
        ("application/openmetrics-text;q=", False),
        ("application/openmetrics-text;q=nan", False),
        ("application/openmetrics-text-x", False),
        (",,;;=,q", False),
    ],
)
def test_format_of_the_page_is_the_one_asked_for(accept: str, openmetrics_wanted: bool) -> None:
    assert wants_openmetrics(accept) is openmetrics_wanted
    body, headers = _exposition().scrape(accept=accept)
    assert headers["content-type"] == (OPENMETRICS if openmetrics_wanted else TEXT)
    assert body.endswith(b"# EOF\n") is openmetrics_wanted


@pytest.mark.parametrize(
    ("accept_encoding", "wanted"),
    [
        ("gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("gzip;q=1.0, identity;q=0.5, *;q=0", True),
        ("br;q=1.0, gzip;q=0.8", True),
        ("GZIP", True),
        ("deflate,gzip;q=0.001", True),
        ("", False),
        ("identity", False),
        ("deflate, br", False),
        ("x-gzip", False),
        ("*", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000, *", False),
        ("gzip;q=x", False),
    ],
)
def test_page_is_compressed_only_for_who_asks(accept_encoding: str, wanted: bool) -> None:
    assert wants_gzip(accept_encoding) is wanted
    _, headers = _exposition().scrape(accept_encoding=accept_encoding)
    assert headers.get("content-encoding") == ("gzip" if wanted else None)


@given(st.text() | st.lists(st.sampled_from(list("gzip;q=0.,* \t-e+1nafX"))).map("".join))
def test_no_header_breaks_a_scrape(header: str) -> None:
    wants_openmetrics(header)
    wants_gzip(header)


def test_caches_are_told_what_the_page_depends_on() -> None:
    for accept_encoding in ("", "gzip"):
        _, headers = _exposition().scrape(accept_encoding=accept_encoding)
        assert headers["vary"] == "accept, accept-encoding"


def test_content_types_are_those_of_the_client_library() -> None:
    encode, text = text_format.choose_encoder("")
    assert encode is not None
    assert text.startswith(TEXT.rsplit(";", 1)[0])
    assert OPENMETRICS == openmetrics.CONTENT_TYPE_LATEST


# The table of families, and the rules of Prometheus.

FAMILIES: tuple[JobFamily | SourceFamily, ...] = (*JOB_FAMILIES, *SOURCE_FAMILIES)


def _full_snapshot(all_states: bool = True) -> Snapshot:
    """Return a snapshot in which every family has a sample."""
    by_type: dict[object, Any] = {float | None: EPOCH - 60, int | None: 3, bool | None: True}
    facts = {each.name: by_type[each.type] for each in fields(Job) if each.type in by_type}
    facts |= {each.name: each.name for each in fields(Job) if each.type is str}
    facts |= {
        "tasks": (("running", 2), ("failed", 1)),
        "nodes": (Node(name="n", node_type="t", run_id="1"), Node(name="m")),
    }
    del facts["job_id"], facts["job_name"]
    known = {each.name: 1.5 for each in fields(Snapshot) if each.type == float | None}
    others = (job("second"), job('thi"rd\n', state=State.FAILED))
    return snapshot(
        job("full", **facts),
        *others,
        labels=(("team", "a"),),
        absent=("orders_.*",),
        all_states=all_states,
        **known | {"last_success_timestamp": EPOCH},
    )


def _full_page(accept: Accept = AS_TEXT) -> str:
    telemetry = Telemetry()
    telemetry.add_source("dli", "huawei_dli")
    telemetry.request_done("dli", "ListJobs", "200", 0.25)
    telemetry.throttled("dli", "ListJobs")
    telemetry.reloaded(successful=True, now=EPOCH)
    telemetry.build.info({"version": "1.0"})
    store = _store(_full_snapshot(), snapshot(job(), source="flink", all_states=False))
    exposition = Exposition(store, telemetry.registry, clock=Clock())
    return _page(exposition, accept).decode()


def test_full_page_has_a_sample_of_every_family() -> None:
    sampled = {re.split(r"[{ ]", line)[0] for line in _full_page().splitlines() if line[0] != "#"}
    assert {family.name for family in FAMILIES} <= sampled


def test_promtool_finds_nothing_to_say_about_a_full_page() -> None:
    checked = subprocess.run(
        ["promtool", "check", "metrics"],
        input=_full_page().encode(),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (checked.stdout + checked.stderr).decode() == ""
    assert checked.returncode == 0


def test_promtool_does_find_something_to_say_about_a_bad_page() -> None:
    bad = _full_page() + "# TYPE bad_counter counter\nbad_counter 1\n"
    checked = subprocess.run(
        ["promtool", "check", "metrics"],
        input=bad.encode(),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert checked.returncode != 0


def test_full_page_in_openmetrics_passes_the_strict_parser() -> None:
    families = {family.name for family in parse_openmetrics(_full_page(AS_OPENMETRICS))}  # type: ignore[no-untyped-call]
    assert {family.name for family in FAMILIES} <= families


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_help_is_one_plain_sentence_so_that_both_formats_agree(
    family: JobFamily | SourceFamily,
) -> None:
    assert family.help.isascii()
    assert family.help.isprintable()
    assert not set(family.help) & set('"\\\n')
    assert family.help[0].isupper()
    assert family.help.endswith(".")
    assert "  " not in family.help


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_name_of_a_family_keeps_the_rules_of_prometheus(family: JobFamily | SourceFamily) -> None:
    assert re.fullmatch(r"streaming_(job|source|edge)(_[a-z]+)+", family.name)
    words = family.name.split("_")
    assert not set(words) & {"gauge", "counter", "histogram", "summary", "metric"}
    units = {"s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d"}
    others = {"milliseconds", "minutes", "hours", "days", "bits", "kilobytes", "percent"}
    assert not set(words) & (units | others)
    # These gauges are no counters, and none of these suffixes belongs to a gauge.
    assert words[-1] not in ("total", "count", "sum", "bucket", "created")
    assert ("timestamp" in words) <= family.name.endswith("_timestamp_seconds")


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_labels_of_a_family_keep_the_rules_of_prometheus(family: JobFamily | SourceFamily) -> None:
    labels = (*IDENTITY, *family.labels) if isinstance(family, JobFamily) else family.labels
    assert len(set(labels)) == len(labels)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", label) for label in labels)
    assert not set(labels) & {"le", "quantile", "job", "instance", "name", "__name__", "unit"}


def test_every_name_of_a_family_is_there_once() -> None:
    own = [family.name for family in Telemetry().registry.collect()]
    names = [family.name for family in FAMILIES] + own
    assert len(set(names)) == len(names)


def test_families_that_are_always_1_are_named_info_or_say_so() -> None:
    page = _full_page()
    for family in FAMILIES:
        if family.name.endswith("_info"):
            values = re.findall(rf"^{family.name}{{.*}} (.+)$", page, re.MULTILINE)
            assert set(values) == {"1.0"}
            assert "lways 1" in family.help


def test_unknown_values_have_no_sample() -> None:
    exposition = _exposition(snapshot(job(), last_success_timestamp=None, up=None))
    page = _page(exposition).decode()
    sampled = {
        line.split("{")[0]
        for line in page.splitlines()
        if line.startswith(("streaming_job_", "streaming_source_"))
    }
    assert sampled == {
        *("streaming_job_state", "streaming_job_info"),
        *("streaming_job_observed_timestamp_seconds", "streaming_source_info"),
    }


def test_state_is_1_for_the_current_state_and_0_for_the_nine_others() -> None:
    lines = _lines(_exposition(snapshot(job(state=State.FAILED))), "streaming_job_state")
    states = {re.findall(r',state="(\w+)"} ', line)[0]: line.rsplit(" ", 1)[1] for line in lines}
    assert states == {state.value: "1.0" if state is State.FAILED else "0.0" for state in State}


def test_only_the_current_state_is_there_when_asked_so() -> None:
    held = snapshot(
        job(state=State.FAILED, nodes=(Node(name="n", state=State.RUNNING),)), all_states=False
    )
    exposition = _exposition(held)
    (line,) = _lines(exposition, "streaming_job_state")
    assert 'state="failed"' in line
    (line,) = _lines(exposition, "streaming_job_node_state")
    assert 'state="running"' in line


def test_configured_labels_are_on_the_info_series_alone() -> None:
    page = _page(_exposition(snapshot(job(), labels=(("stage", "x"), ("team", "a"))))).decode()
    with_team = [line for line in page.splitlines() if 'team="a"' in line]
    assert len(with_team) == 1
    assert with_team[0].startswith("streaming_job_info{")
    assert 'stage="x"' in with_team[0]


def test_jobs_are_counted_by_state_and_zero_is_said() -> None:
    held = snapshot(job("a"), job("b"), job("c", state=State.FAILED))
    lines = _lines(_exposition(held), "streaming_source_jobs")
    counts = {re.findall(r',state="(\w+)"} ', line)[0]: line.rsplit(" ", 1)[1] for line in lines}
    assert counts == dict.fromkeys(State, "0.0") | {"running": "2.0", "failed": "1.0"}


@pytest.mark.parametrize(
    ("error_id", "error_type", "count"), [("", "", 0), ("E1", "", 1), ("", "X", 1), ("E", "X", 1)]
)
def test_error_is_told_only_when_there_is_one(error_id: str, error_type: str, count: int) -> None:
    held = snapshot(job(error_id=error_id, error_type=error_type, error_text="secret text"))
    exposition = _exposition(held)
    assert len(_lines(exposition, "streaming_job_error_info")) == count
    assert b"secret text" not in _page(exposition)


@pytest.mark.parametrize(("expected", "value"), [(None, []), (True, ["1.0"]), (False, ["0.0"])])
def test_expectation_is_told_only_when_there_is_one(
    expected: bool | None, value: list[str]
) -> None:
    exposition = _exposition(snapshot(job(expected_running=expected)))
    lines = _lines(exposition, "streaming_job_expected_running")
    assert [line.rsplit(" ", 1)[1] for line in lines] == value


class Choking(Deflater):
    """Cannot compress what says so."""

    def piece(self, text: bytes) -> Piece:
        if b"choke" in text:
            raise ZeroDivisionError("of a source")
        return super().piece(text)


def test_source_that_cannot_be_rendered_keeps_its_last_lines_until_they_are_stale() -> None:
    clock = Clock()
    store = Store()
    exposition = Exposition(store, OWN, clock=clock, deflater=Choking())
    good = snapshot(*_fleet(60).jobs)
    store.put(good)
    store.put(replace(snapshot(job("other")), source="other"))
    exposition.refresh()
    assert exposition.unrendered == {}
    before = _lines(exposition, "streaming_job_info")
    assert len(before) == 61

    bad = replace(good, jobs=(*good.jobs, job("choke")))
    store.put(bad)
    store.put(replace(snapshot(job("other"), job("another")), source="other"))
    for _ in range(2):
        exposition.refresh()
        assert [*exposition.unrendered] == [good.source]
        assert exposition.unrendered[good.source].startswith("ZeroDivisionError at ")
        now = _lines(exposition, "streaming_job_info")
        assert {*before} < {*now}
        assert len(now) == 62

    clock.now += good.stale_after + 1
    assert _lines(exposition, "streaming_job_info") == []
    clock.now -= good.stale_after + 1
    store.put(good)
    exposition.refresh()
    assert exposition.unrendered == {}
    assert len(_lines(exposition, "streaming_job_info")) == 62
