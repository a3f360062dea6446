"""The status page says what is known, puts what matters first, and trusts no text."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.history import Change
from exporter.model import Job, Node, Snapshot, State
from exporter.pages.attention import Level, attention
from exporter.pages.colours import LOOKS, stylesheet
from exporter.pages.details import details
from exporter.pages.overview import PAGE_SIZE, Overview, overview
from exporter.pages.query import Query, Sort, job_link, parse
from exporter.pages.wording import duration, moment, shorten, size, visible
from tests.jobs import job, snapshot
from tests.virtual_time import EPOCH

NOW = EPOCH + 5


def _asked(*snapshots: Snapshot, query: str = "", now: float = NOW) -> Overview:
    return overview(snapshots, parse(parse_qsl(query)), now)


def _names(page: Overview) -> list[str]:
    return [row.name for row in page.rows]


# What deserves a look


@pytest.mark.parametrize(
    ("facts", "level", "reason"),
    [
        ({"state": State.RUNNING}, None, None),
        ({"state": State.STOPPED}, None, None),
        ({"state": State.FAILED}, Level.BAD, ""),
        ({"state": State.STOPPED, "expected_running": True}, Level.BAD, "expected to run"),
        ({"state": State.STOPPED, "expected_running": False}, None, None),
        ({"state": State.STARTING, "expected_running": True}, None, None),
        ({"state": State.RESTARTING}, Level.WARNING, ""),
        ({"state": State.UNKNOWN}, Level.WARNING, ""),
        ({"state": State.STOPPING, "state_since_timestamp": NOW - 600}, None, None),
        (
            {"state": State.STOPPING, "state_since_timestamp": NOW - 720},
            Level.WARNING,
            "stuck for 12 min",
        ),
        (
            {"state": State.SUSPENDED, "native_status": "job_arrearage_stopped"},
            Level.WARNING,
            "account in arrears",
        ),
        ({"state": State.SUSPENDED, "native_status": "job_idle"}, None, None),
        ({"input_delay_seconds": 299.9}, None, None),
        ({"input_delay_seconds": 300.0}, Level.WARNING, "behind its input"),
        ({"stale": True}, Level.WARNING, "sends no reports"),
        ({"stale": False}, None, None),
        ({"nodes": (Node(name="n", state=State.FAILED),)}, Level.BAD, "node n failed"),
        ({"nodes": (Node(name="n", state=State.RUNNING),)}, None, None),
    ],
)
def test_job_deserves_a_look_when_something_is_wrong(
    facts: dict[str, Any], level: Level | None, reason: str | None
) -> None:
    found = attention(job(**facts), NOW)
    assert (found and found.level, found and found.reason) == (level, reason)


def test_worst_jobs_come_first_and_the_latest_among_equals() -> None:
    page = _asked(
        snapshot(
            job("a"),
            job("late", input_delay_seconds=1e4),
            job("restarting", State.RESTARTING),
            job("old failure", State.FAILED, state_since_timestamp=EPOCH - 100),
            job("new failure", State.FAILED, state_since_timestamp=EPOCH - 1),
            job("unexpected", State.STOPPED, expected_running=True),
        )
    )
    assert _names(page) == [
        *("new failure", "old failure", "unexpected", "restarting", "late", "a"),
    ]
    assert page.headline == "6 jobs in 1 source: 5 need a look"
    assert page.announcement == "Jobs: 1 restarting, 2 failed, 2 with other trouble."


def test_headline_says_when_all_is_well_or_a_source_is_down() -> None:
    assert _asked(snapshot(job())).headline == "1 job in 1 source: all is well"
    assert _asked().headline == "No sources are configured."
    down = _asked(snapshot(job(state=State.FAILED), up=False, failure="timeout: too slow"))
    assert down.headline == "1 job in 1 source: 1 needs a look, 1 source is down"
    assert down.announcement == "Jobs: 1 failed. 1 source down."


# Sources


def test_sources_in_trouble_come_first_with_the_reason() -> None:
    page = _asked(
        snapshot(source="a", next_poll_timestamp=NOW + 25, poll_duration_seconds=0.25),
        snapshot(source="b", absent=("orders_.*",)),
        snapshot(
            source="c",
            up=False,
            failure="auth: refused",
            last_success_timestamp=NOW - 90,
            stale_after=600.0,
        ),
        snapshot(source="d", up=None, last_success_timestamp=None),
    )
    rows = {row.name: row for row in page.sources}
    assert list(rows) == ["c", "b", "a", "d"]
    assert [row.health for row in page.sources] == ["down", "up", "up", "waiting"]
    assert rows["c"].failure == "auth: refused"
    assert rows["b"].absent == ("orders_.*",)
    success, coming = rows["c"].last_success, rows["a"].next_poll
    assert success is not None
    assert coming is not None
    assert success.relative == "1 min 30 s ago"
    assert coming.relative == "in 25 s"
    assert rows["a"].poll_duration == "0.2 s"
    assert rows["d"].last_success is None
    assert page.sources_health == "2 up, 1 down, 1 waiting"


# Searching, filtering, sorting, turning pages


def _fleet() -> tuple[Snapshot, ...]:
    return (
        snapshot(
            job("orders", restart_times=3, input_delay_seconds=7.0),
            job("Payments", State.FAILED, error_type="java.lang.OutOfMemoryError"),
            job("clicks", State.STOPPED, restart_times=0, error_text="disk is full\nat x"),
        ),
        snapshot(
            job("orders", input_delay_seconds=1.0),
            job("每日对账", State.FINISHED, restart_times=1),
            source="vvp",
            platform="alibaba_flink",
        ),
    )


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["Payments", "clicks", "orders", "orders", "每日对账"]),
        ("q=ORDERS", ["orders", "orders"]),
        ("q=ord vvp", ["orders"]),
        ("q=对账", ["每日对账"]),
        ("q=outofmemory", ["Payments"]),
        ("q=disk+is+full", ["clicks"]),
        ("q=nothing", []),
        ("state=failed", ["Payments"]),
        ("state=failed&state=finished", ["Payments", "每日对账"]),
        ("state=nonsense", ["Payments", "clicks", "orders", "orders", "每日对账"]),
        ("source=vvp", ["orders", "每日对账"]),
        ("source=absent", []),
        ("source=", ["Payments", "clicks", "orders", "orders", "每日对账"]),
        ("platform=huawei_dli&q=orders", ["orders"]),
        ("sort=name", ["clicks", "orders", "orders", "Payments", "每日对账"]),
        ("sort=name&order=desc", ["每日对账", "Payments", "orders", "orders", "clicks"]),
        ("sort=restarts", ["orders", "每日对账", "clicks", "orders", "Payments"]),
        ("sort=restarts&order=asc", ["clicks", "每日对账", "orders", "orders", "Payments"]),
        ("sort=delay&source=vvp&source=dli&q=orders", ["orders", "orders"]),
        ("sort=state&order=sideways", ["Payments", "orders", "orders", "clicks", "每日对账"]),
        ("sort=nonsense&page=-1", ["Payments", "clicks", "orders", "orders", "每日对账"]),
        ("page=99", ["Payments", "clicks", "orders", "orders", "每日对账"]),
    ],
)
def test_address_chooses_and_sorts_jobs(query: str, names: list[str]) -> None:
    found = _names(_asked(*_fleet(), query=query))
    if query == "sort=restarts" or query.startswith("sort=restarts&"):
        found = found[:3] + sorted(found[3:], key=str.casefold)
        names = names[:3] + sorted(names[3:], key=str.casefold)
    assert found == names


@pytest.mark.parametrize("sort", [sort for sort in Sort if sort is not Sort.ATTENTION])
def test_unknown_values_come_last_in_both_directions(sort: Sort) -> None:
    known = job(
        "known",
        state_since_timestamp=EPOCH,
        duration_seconds=0.0,
        restart_times=0,
        input_delay_seconds=0.0,
        last_error_timestamp=EPOCH,
    )
    for order in ("asc", "desc"):
        found = _names(_asked(snapshot(job("a"), known), query=f"sort={sort}&order={order}"))
        if sort in (Sort.NAME, Sort.STATE, Sort.SOURCE):
            assert sorted(found) == ["a", "known"]
        else:
            assert found == ["known", "a"]


def test_counts_by_state_do_not_depend_on_the_states_chosen() -> None:
    page = _asked(*_fleet(), query="state=failed&q=r")
    assert {chip.state.value: (chip.count, chip.chosen) for chip in page.chips} == {
        "failed": (1, True),
        "running": (2, False),
    }
    assert page.found == "1 of 5 jobs"


def test_chip_asks_for_its_state_too_and_chosen_one_takes_it_back() -> None:
    page = _asked(*_fleet(), query="state=failed&sort=name")
    links = {chip.state: chip.link for chip in page.chips}
    assert links[State.RUNNING] == "./?state=running&state=failed&sort=name"
    assert links[State.FAILED] == "./?sort=name"


def test_column_of_the_order_turns_round_when_asked_again() -> None:
    columns = {column.title: column for column in _asked(*_fleet(), query="sort=delay").columns}
    assert (columns["Delay"].direction, columns["Delay"].link) == (
        "descending",
        "./?sort=delay&order=asc",
    )
    assert (columns["Job"].direction, columns["Job"].link) == ("", "./?sort=name")


def test_many_jobs_come_in_pages_that_lose_none() -> None:
    everything = snapshot(*(job(f"job {number:04}") for number in range(2 * PAGE_SIZE + 1)))
    pages = [_asked(everything, query=f"q=job&page={page}") for page in (1, 2, 3)]
    assert [len(page.rows) for page in pages] == [PAGE_SIZE, PAGE_SIZE, 1]
    assert len({row.link for page in pages for row in page.rows}) == 2 * PAGE_SIZE + 1
    assert [(page.previous, page.next) for page in pages] == [
        ("", "./?q=job&page=2"),
        ("./?q=job", "./?q=job&page=3"),
        ("./?q=job&page=2", ""),
    ]
    assert pages[0].found == "401 of 401 jobs, worst first, page 1 of 3"


_QUERIES = st.builds(
    Query,
    text=st.text().map(lambda text: text.strip()[:200].strip()),
    states=st.frozensets(st.sampled_from(list(State))),
    sources=st.frozensets(st.text(min_size=1), max_size=5),
    platforms=st.frozensets(st.text(min_size=1), max_size=5),
    sort=st.sampled_from(list(Sort)),
    descending=st.booleans(),
    page=st.integers(1, 999_999),
)


@given(query=_QUERIES)
def test_every_view_has_an_address_that_leads_back_to_it(query: Query) -> None:
    address = urlsplit(query.link(page=query.page))
    assert address.path == "./"
    assert parse(parse_qsl(address.query)) == query


@given(
    pairs=st.lists(st.tuples(st.sampled_from(["q", "state", "sort", "order", "page"]), st.text()))
)
def test_no_address_is_refused(pairs: list[tuple[str, str]]) -> None:
    assert (
        _asked(snapshot(job()), query="").total
        == overview([snapshot(job())], parse(pairs), NOW).total
    )


@given(project=st.text(), job_id=st.text(), source=st.text())
def test_every_job_has_an_address_whatever_its_identifiers_hold(
    project: str, job_id: str, source: str
) -> None:
    address = urlsplit(job_link(source, job(project=project, job_id=job_id)))
    assert address.path == "job"
    assert dict(parse_qsl(address.query, keep_blank_values=True)) == {
        "source": source,
        "project": project,
        "job_id": job_id,
    }


def test_id_is_shown_only_to_tell_namesakes_of_one_source_apart() -> None:
    page = _asked(
        snapshot(job("a", job_id="1", job_name="twin"), job("b", job_id="2", job_name="twin")),
        snapshot(job("c", job_id="3", job_name="twin"), source="other"),
    )
    assert sorted(row.identity for row in page.rows) == ["", "1", "2"]


# Words


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0, "0 s"),
        (0.25, "0.2 s"),
        (9.99, "10 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (125, "2 min 5 s"),
        (3599, "59 min"),
        (3600, "1 h"),
        (7265, "2 h 1 min"),
        (86400, "1 d"),
        (100 * 86400 + 7200, "100 d 2 h"),
    ],
)
def test_durations_show_their_two_largest_units(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize("timestamp", [None, -1.0, float("nan"), float("inf"), 1e18])
def test_times_beyond_any_calendar_are_not_shown(timestamp: float | None) -> None:
    assert moment(timestamp, NOW) is None


def test_moments_are_told_from_now() -> None:
    found = [moment(NOW + shift, NOW) for shift in (-3700, -0.4, 0.4, 90)]
    assert [each and each.relative for each in found] == [
        *("1 h 1 min ago", "now", "now", "in 1 min 30 s"),
    ]
    epoch = moment(EPOCH, NOW)
    assert epoch is not None
    assert epoch.absolute == "2023-11-14 22:13:20 UTC"
    assert epoch.machine == "2023-11-14T22:13:20Z"


@pytest.mark.parametrize(
    ("count", "text"), [(None, ""), (0, "0 B"), (999, "999 B"), (1536, "1.5 kB"), (3e12, "3.0 TB")]
)
def test_sizes_have_a_unit(count: float | None, text: str) -> None:
    assert size(count) == text


def test_characters_that_turn_or_hide_others_are_shown_as_code_points() -> None:
    assert visible("evil\u202egpj.exe") == "evil‹U+202E›gpj.exe"
    assert visible("a\0b\u200bc\ufeff") == "a‹U+0000›b‹U+200B›c‹U+FEFF›"
    assert visible("每日对账 مرحبا\n\tat x") == "每日对账 مرحبا\n\tat x"


@given(text=st.text(), length=st.integers(2, 50))
def test_shortened_text_is_one_line_of_that_length_at_most(text: str, length: int) -> None:
    line = shorten(text, length)
    assert len(line) <= length
    assert "\n" not in line


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({}, ""),
        ({"error_id": "RUNTIME.1"}, "RUNTIME.1"),
        ({"error_type": "java.lang.OutOfMemoryError"}, "OutOfMemoryError"),
        (
            {"error_type": "a.b.JobException", "error_text": "a.b.c.JobException: no\n\tat x.y"},
            "JobException: no at x.y",
        ),
        ({"error_id": "17", "error_text": "disk full"}, "17: disk full"),
        ({"error_text": "x" * 500}, "x" * 159 + "…"),
    ],
)
def test_last_error_is_told_in_a_few_words(facts: dict[str, Any], text: str) -> None:
    assert [row.error for row in _asked(snapshot(job(**facts))).rows] == [text]


# The page of a job


def _facts(found: Job, snap: Snapshot) -> dict[str, str]:
    page = details(found, snap, (), NOW)
    return {
        f"{group.title}: {fact.name}": fact.time.absolute if fact.time else fact.text
        for group in page.groups
        for fact in group.facts
    }


def test_page_of_a_job_holds_every_fact_and_no_empty_line() -> None:
    full = job(
        state_since_timestamp=EPOCH,
        graph_state="RUNNING",
        expected_state="RUNNING",
        expected_running=True,
        job_type="flink_sql_job",
        run_mode="shared",
        queue="q1",
        engine_version="1.15",
        run_id="abc",
        duration_seconds=60.0,
        restart_times=2,
        input_delay_seconds=0.5,
        start_timestamp=EPOCH,
        end_timestamp=EPOCH,
        created_timestamp=EPOCH,
        updated_timestamp=EPOCH,
        last_error_timestamp=EPOCH,
        error_id="RUNTIME.1",
        error_type="java.lang.Error",
        parallelism=4,
        compute_units=2.5,
        health_score=93.0,
        last_checkpoint_completed_timestamp=EPOCH,
        last_checkpoint_duration_seconds=0.3,
        last_checkpoint_size_bytes=2048.0,
        checkpoints_failed=1,
    )
    moment_text = "2023-11-14 22:13:20 UTC"
    assert _facts(full, snapshot(labels=(("team", "payments"),))) == {
        "State: Since": moment_text,
        "State: Platform says": "job_running",
        "State: Execution plan says": "RUNNING",
        "State: Expected": "RUNNING",
        "State: Last seen": moment_text,
        "Run: Duration": "1 min",
        "Run: Started": moment_text,
        "Run: Ended": moment_text,
        "Run: Restarts": "2",
        "Run: Parallelism": "4",
        "Run: Compute units": "2.5",
        "Run: Run id": "abc",
        "Health: Input delay": "0.5 s",
        "Health: Health score": "93",
        "Health: Last checkpoint": moment_text,
        "Health: It took": "0.3 s",
        "Health: Its size": "2.0 kB",
        "Health: Failed checkpoints": "1",
        "Last error: At": moment_text,
        "Last error: Type": "java.lang.Error",
        "Last error: Code": "RUNTIME.1",
        "Job: Id": "orders",
        "Job: Project": "p",
        "Job: Kind": "flink_sql_job",
        "Job: Mode": "shared",
        "Job: Queue": "q1",
        "Job: Engine": "1.15",
        "Job: Created": moment_text,
        "Job: Changed": moment_text,
        "Job: team": "payments",
    }
    assert set(_facts(job(), snapshot())) == {
        *("State: Platform says", "State: Last seen", "Job: Id", "Job: Project"),
    }


_SAMPLES = {
    "str": "sample",
    "int": 7,
    "float": EPOCH - 77,
    "bool": True,
    "tuple[tuple[str, float], ...]": (("sample", 7.0),),
}
_SHOWN_OTHERWISE = {
    *("state", "error_text", "tasks", "nodes"),
    "job_name",  # The title of the page.
    "finer_state",  # It is in the state already.
}


@pytest.mark.parametrize("name", sorted(set(Job.__dataclass_fields__) - _SHOWN_OTHERWISE))
def test_every_fact_of_the_vocabulary_is_on_the_page_of_a_job(name: str) -> None:
    kind = str(Job.__annotations__[name]).removeprefix("<class '").removesuffix("'>")
    changed: dict[str, Any] = {name: _SAMPLES[kind.removesuffix(" | None")]}
    assert _facts(job(**changed), snapshot()) != _facts(job(), snapshot())


def test_selector_of_a_job_escapes_as_promql_does() -> None:
    page = details(job(job_name='a"b\\c'), snapshot(), (), NOW)
    assert page.selector == (
        '{source="dli", platform="huawei_dli", project="p", job_id="orders", job_name="a\\"b\\\\c"}'
    )


def test_selector_of_a_job_spells_characters_that_would_turn_it() -> None:
    page = details(job(job_id="a", job_name="evil\u202egpj"), snapshot(), (), NOW)
    assert page.selector.endswith('job_name="evil\\U0000202egpj"}')


def test_tasks_of_a_job_are_those_in_states_that_some_are_in() -> None:
    page = details(job(tasks=(("RUNNING", 4), ("FAILED", 0))), snapshot(), (), NOW)
    assert page.tasks == (("RUNNING", 4),)


def test_source_that_is_down_is_named_on_the_page_of_a_job() -> None:
    assert details(job(), snapshot(up=False, failure="tls: bad"), (), NOW).source_failure
    assert not details(job(), snapshot(failure="old"), (), NOW).source_failure


def test_changes_are_told_with_the_word_of_the_platform() -> None:
    changes = (
        Change(at=EPOCH, before=State.RUNNING, after=None),
        Change(at=EPOCH, before=None, after=State.RUNNING),
        Change(at=EPOCH, before=State.RUNNING, after=State.RUNNING, new_run=True),
        Change(at=EPOCH, before=State.RUNNING, after=State.FAILED, native_status="FAILED"),
    )
    page = details(job(), snapshot(), changes, NOW)
    assert [row.text for row in page.changes] == [
        *("no longer listed", "listed again", "new run", "FAILED"),
    ]


# Looks


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_every_state_has_a_look_of_its_own() -> None:
    assert set(LOOKS) == set(State)
    for feature in ("colour", "on_dark", "shape"):
        assert len({getattr(look, feature) for look in LOOKS.values()}) == len(State)
    for state, look in LOOKS.items():
        assert f".state-{state.value} {{ --state: {look.colour}; }}" in stylesheet()


@pytest.mark.parametrize("state", list(State))
def test_marks_are_seen_on_a_dark_page(state: State) -> None:
    # On a light page the darker edge of each mark does this.
    assert _contrast(LOOKS[state].on_dark, "#171D25") >= 3
