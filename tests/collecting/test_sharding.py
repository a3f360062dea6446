"""Jobs are shared out: each to one shard, evenly, and few of them move when a shard is added."""

from random import Random

import pytest

from exporter.collecting.job_tracker import JobTracker
from exporter.collecting.sharding import Shard, owner, read_shard
from exporter.errors import ConfigError
from exporter.fields import Flaws
from exporter.model import Job, State
from exporter.platforms.huawei_dli import parse_list
from exporter.simulator.fleet.fleet import Fleet
from exporter.simulator.huawei.dli_rows import light_row
from exporter.source import Inventory, SourceSettings
from tests.jobs import job
from tests.virtual_time import EPOCH

JOBS = 10_000


def job_tracker(
    ordinal: int, total: int, *, supersedes: bool = False, **settings: object
) -> JobTracker:
    return JobTracker(
        SourceSettings.model_validate({"name": "s", "platform": "x", **settings}),
        supersedes=supersedes,
        random=Random(1),
        shard=Shard(ordinal=ordinal, total=total),
    )


def listing(*jobs: Job) -> Inventory:
    return Inventory(jobs=jobs, flaws=Flaws())


def shown(book: JobTracker, now: float = EPOCH) -> set[str]:
    return {each.job_id for each in book.jobs(now)}


@pytest.fixture(name="inventory", scope="module")
def _inventory() -> Inventory:
    """List ten thousand simulated DLI jobs as their platform does."""
    fleet = Fleet(seed=1, started_at=EPOCH, jobs=JOBS)
    rows = [light_row(view, EPOCH) for view in fleet.views(EPOCH)]
    page = parse_list({"job_list": {"jobs": rows}}, "p", EPOCH, Flaws())
    return Inventory(jobs=page.jobs, flaws=Flaws())


def divided(inventory: Inventory, total: int) -> list[set[str]]:
    found = []
    for ordinal in range(total):
        book = job_tracker(ordinal, total)
        for row in book.note_inventory(inventory, EPOCH).in_order():
            book.note_details(row, EPOCH)
        found.append(shown(book))
    return found


def test_every_job_is_exported_by_one_shard_through_a_rescale_from_three_to_four(
    inventory: Inventory,
) -> None:
    (whole,) = divided(inventory, 1)
    assert len(whole) >= JOBS - 20  # Drafts and what ended long ago are not shown.
    three, four = divided(inventory, 3), divided(inventory, 4)
    for parts in (three, four):
        assert set.union(*parts) == whole
        assert sum(map(len, parts)) == len(whole)
        assert max(map(len, parts)) <= 1.1 * len(whole) / len(parts)
    moved = {each for number in range(3) for each in three[number] - four[number]}
    # No job moves but to the new shard, and no more of them than are its share.
    assert moved == four[3]
    assert len(moved) == pytest.approx(len(whole) / 4, rel=0.1)


@pytest.mark.parametrize("total", [1, 2, 3, 7, 100])
def test_growing_by_one_moves_one_share_and_only_to_the_new_shard(total: int) -> None:
    before = [owner(total, "s", "p", str(number)) for number in range(5000)]
    after = [owner(total + 1, "s", "p", str(number)) for number in range(5000)]
    moved = [new for old, new in zip(before, after, strict=True) if old != new]
    assert set(moved) <= {total}
    assert len(moved) == pytest.approx(5000 / (total + 1), rel=0.25)


def test_owners_stay_the_same_from_one_version_to_the_next() -> None:
    """Two versions run side by side during an update: they must agree on whose a job is."""
    assert [owner(10, "dli", "p", str(number)) for number in range(12)] == OWNERS
    assert owner(10, "dli", "p", "订单\udc80") in range(10)


OWNERS = [9, 9, 5, 8, 1, 0, 8, 5, 4, 1, 8, 0]


def test_only_our_own_jobs_are_asked_about() -> None:
    rows = [job(f"j{number}") for number in range(200)]
    asked = []
    for ordinal in range(3):
        detail_queue = job_tracker(ordinal, 3).note_inventory(listing(*rows), EPOCH)
        asked += [each.job_id for each in detail_queue.in_order()]
    assert sorted(asked) == sorted(each.job_id for each in rows)


def test_runs_of_one_name_belong_together_where_a_later_one_replaces_an_earlier() -> None:
    runs = [
        job(f"job{name}", state, job_id=f"{name}-{run}", start_timestamp=float(run + 1))
        for name in range(50)
        for run, state in enumerate([State.FAILED, State.FAILED, State.RUNNING])
    ]
    found = []
    for ordinal in range(3):
        book = job_tracker(ordinal, 3, supersedes=True)
        book.note_inventory(listing(*runs), EPOCH)
        found += sorted(shown(book))
    assert sorted(found) == sorted(f"{name}-2" for name in range(50))


def absent(rows: list[Job], expect: list[str], total: int = 3) -> list[str]:
    found: list[str] = []
    for ordinal in range(total):
        book = job_tracker(ordinal, total, expect=expect)
        book.note_inventory(listing(*rows), EPOCH)
        found += book.absent()
    return found


def test_missing_job_is_told_by_one_shard_and_an_existing_one_by_none() -> None:
    expect = [f"job{number}" for number in range(60)]
    rows = [job(name) for name in expect[:40]]
    assert sorted(absent(rows, expect)) == sorted(expect[40:])
    assert absent([job(name) for name in expect], expect) == []


def test_job_of_another_shard_that_one_listing_lacks_is_not_absent_yet() -> None:
    expect = [f"job{number}" for number in range(30)]
    rows = [job(name) for name in expect]
    for ordinal in range(3):
        book = job_tracker(ordinal, 3, expect=expect)
        book.note_inventory(listing(*rows), EPOCH)
        book.note_inventory(listing(), EPOCH + 30)
        assert book.absent() == ()
        book.note_inventory(listing(*rows), EPOCH + 60)
        book.note_inventory(listing(), EPOCH + 90)
        assert book.absent() == ()
        book.note_inventory(listing(), EPOCH + 120)
        assert book.absent() != ()


def test_adopted_jobs_of_other_shards_are_left_to_them() -> None:
    rows = [job(f"j{number}") for number in range(60)]
    parts = []
    for ordinal in range(3):
        book = job_tracker(ordinal, 3)
        book.adopt(rows)
        parts.append(shown(book))
    assert sum(map(len, parts)) == len(set.union(*parts)) == 60


@pytest.mark.parametrize(
    ("text", "hostname", "ordinal"),
    [("0", "", 0), ("2", "x-1", 2), ("auto", "exporter-0", 0), ("auto", "a-7-exporter-2", 2)],
)
def test_shard_is_a_number_or_that_of_the_pod(text: str, hostname: str, ordinal: int) -> None:
    shard = read_shard(text, "3", {"HOSTNAME": hostname})
    assert shard == Shard(ordinal=ordinal, total=3)


@pytest.mark.parametrize(
    ("text", "total", "hostname", "message"),
    [
        ("3", "3", "", "--shard: 3: expected less than --total-shards, which is 3"),
        ("auto", "1", "e-1", "--shard: 1: expected less than --total-shards, which is 1"),
        ("-1", "3", "", "--shard: '-1': expected auto or a number from 0"),
        ("one", "3", "", "--shard: 'one': expected auto or a number from 0"),
        ("٣", "5", "", "--shard: '٣': expected auto or a number from 0"),
        *(
            (
                "auto",
                "3",
                name,
                f"--shard: auto: HOSTNAME is '{name}', expected the name of a pod such as name-0",
            )
            for name in ("", "localhost", "exporter-", "exporter-7f9c")
        ),
        ("0", "0", "", "--total-shards: '0': expected a number from 1"),
        ("0", "many", "", "--total-shards: 'many': expected a number from 1"),
    ],
)
def test_shard_that_cannot_be_is_a_config_error(
    text: str, total: str, hostname: str, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read_shard(text, total, {"HOSTNAME": hostname})
    assert str(caught.value) == message
