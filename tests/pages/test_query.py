"""An address chooses, sorts and pages jobs, and every view and job has one."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import Snapshot, State
from exporter.pages.languages import Language
from exporter.pages.overview import PAGE_SIZE, overview
from exporter.pages.query import Query, Sort, job_link, parse
from tests.jobs import job, judged, snapshot
from tests.pages.overviews import READER, names_of, overview_of
from tests.virtual_time import EPOCH


def _fleet() -> tuple[Snapshot, ...]:
    return (
        judged(
            snapshot(
                job("orders", restart_times=3, input_delay_seconds=7.0),
                job("Payments", State.FAILED, error_type="java.lang.OutOfMemoryError"),
                job("clicks", State.STOPPED, restart_times=0, error_text="disk is full\nat x"),
            )
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
    found = names_of(overview_of(*_fleet(), query=query))
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
        found = names_of(overview_of(snapshot(job("a"), known), query=f"sort={sort}&order={order}"))
        if sort in (Sort.NAME, Sort.STATE, Sort.SOURCE):
            assert sorted(found) == ["a", "known"]
        else:
            assert found == ["known", "a"]


def test_counts_by_state_do_not_depend_on_the_states_chosen() -> None:
    page = overview_of(*_fleet(), query="state=failed&q=r")
    assert {chip.state.value: (chip.count, chip.chosen) for chip in page.chips} == {
        "failed": (1, True),
        "running": (2, False),
    }
    assert page.found == "1 of 5 jobs"


def test_chip_asks_for_its_state_too_and_chosen_one_takes_it_back() -> None:
    page = overview_of(*_fleet(), query="state=failed&sort=name")
    links = {chip.state: chip.link for chip in page.chips}
    assert links[State.RUNNING] == "./?state=running&state=failed&sort=name"
    assert links[State.FAILED] == "./?sort=name"


def test_column_of_the_order_turns_round_when_asked_again() -> None:
    columns = {
        column.title: column for column in overview_of(*_fleet(), query="sort=delay").columns
    }
    assert (columns["Delay"].direction, columns["Delay"].link) == (
        "descending",
        "./?sort=delay&order=asc",
    )
    assert (columns["Job"].direction, columns["Job"].link) == ("", "./?sort=name")


def test_many_jobs_come_in_pages_that_lose_none() -> None:
    everything = snapshot(*(job(f"job {number:04}") for number in range(2 * PAGE_SIZE + 1)))
    pages = [overview_of(everything, query=f"q=job&page={page}") for page in (1, 2, 3)]
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
    language=st.sampled_from([None, *Language]),
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
        overview_of(snapshot(job()), query="").total
        == overview([snapshot(job())], parse(pairs), READER).total
    )


@given(project=st.text(), job_id=st.text(), source=st.text())
def test_every_job_has_an_address_whatever_its_identifiers_hold(
    project: str, job_id: str, source: str
) -> None:
    address = urlsplit(job_link(source, project, job_id, None))
    assert address.path == "job"
    assert dict(parse_qsl(address.query, keep_blank_values=True)) == {
        "source": source,
        "project": project,
        "job_id": job_id,
    }


def test_id_is_shown_only_to_tell_namesakes_of_one_source_apart() -> None:
    page = overview_of(
        snapshot(job("a", job_id="1", job_name="twin"), job("b", job_id="2", job_name="twin")),
        snapshot(job("c", job_id="3", job_name="twin"), source="other"),
    )
    assert sorted(row.identity for row in page.rows) == ["", "1", "2"]
