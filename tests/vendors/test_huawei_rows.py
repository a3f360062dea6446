"""A listing whose offset counts rows is walked to its end, and no row is lost."""

import asyncio

import pytest

from exporter.errors import FetchError, Reason, UnreadableError
from exporter.fields import Flaws
from exporter.vendors.huawei_inventory import PAGE_SIZE, Listing, Page, take_inventory
from tests.vendors.huawei_listings import Rows, ids, job, numbered
from tests.virtual_time import run


class TestRows:
    @pytest.mark.parametrize(
        ("count", "offsets"),
        [(0, [0]), (1, [0]), (100, [0]), (101, [0, 100]), (250, [0, 100, 200])],
    )
    def test_no_page_is_asked_for_in_vain(self, count: int, offsets: list[int]) -> None:
        rows = Rows(numbered(count))
        inventory = rows.take()
        assert ids(inventory) == numbered(count)
        assert inventory.incomplete == ()
        assert rows.offsets == offsets

    @pytest.mark.parametrize(("count", "offsets"), [(99, [0]), (100, [0, 100]), (0, [0])])
    def test_without_a_total_a_page_that_is_not_full_is_the_last(
        self, count: int, offsets: list[int]
    ) -> None:
        rows = Rows(numbered(count))
        rows.total = None
        inventory = rows.take()
        assert ids(inventory) == numbered(count)
        assert inventory.incomplete == ()
        assert rows.offsets == offsets

    def test_total_that_cannot_be_true_is_not_believed(self) -> None:
        rows = Rows(numbered(150))
        rows.total = 10
        assert len(rows.take().jobs) == 150

    def test_total_that_counts_more_than_is_listed_does_not_make_the_listing_incomplete(
        self,
    ) -> None:
        rows = Rows(numbered(150))
        rows.total = 160
        inventory = rows.take()
        assert len(inventory.jobs) == 150
        assert inventory.incomplete == ()
        assert rows.offsets == [0, 100, 150]

    def test_empty_page_beside_a_total_is_not_an_empty_listing(self) -> None:
        """Otherwise one odd answer would take every job away."""
        rows = Rows([])
        rows.total = 7
        (failure,) = rows.take().incomplete
        assert failure[1].reason is Reason.INVALID_RESPONSE

    def test_pages_of_a_long_listing_are_asked_for_together_once_offset_counts_rows(self) -> None:
        rows = Rows(numbered(2050))
        in_flight: list[int] = []
        at_once = 0

        async def fetch(offset: int) -> Page:
            nonlocal at_once
            in_flight.append(offset)
            at_once = max(at_once, len(in_flight))
            await asyncio.sleep(offset % 300 / 1000)
            page = await rows.fetch(offset)
            in_flight.remove(offset)
            return page

        listing = Listing("ListThings", fetch)
        inventory = run(take_inventory("p", Flaws(), listing, Listing.walk_rows))
        assert ids(inventory) == numbered(2050)
        assert inventory.incomplete == ()
        assert rows.offsets[:2] == [0, 100]
        assert sorted(rows.offsets) == [*range(0, 2050, 100)]
        assert at_once == 8

    @pytest.mark.parametrize("deletion", range(2, 12))
    def test_no_row_is_lost_when_rows_move_while_pages_are_asked_for_together(
        self, deletion: int
    ) -> None:
        rows = Rows(numbered(1150))

        def delete(asked: int) -> None:
            if asked == deletion:
                del rows.names[5:8]

        rows.before = delete
        inventory = rows.take()
        assert {*rows.names} <= {*ids(inventory)}
        assert inventory.incomplete == ()

    def test_page_that_fails_among_others_leaves_the_listing_incomplete(self) -> None:
        rows = Rows(numbered(1150))

        def fail(asked: int) -> None:
            if asked == 5:
                raise FetchError(Reason.SERVER, "ListThings")

        rows.before = fail
        inventory = rows.take()
        assert ids(inventory) == numbered(500)
        assert inventory.incomplete[0][1].reason is Reason.SERVER

    def test_row_that_moves_to_the_next_page_is_not_doubled(self) -> None:
        rows = Rows(numbered(150))

        def insert(asked: int) -> None:
            if asked == 1:
                rows.names.insert(0, "new")

        rows.before = insert
        inventory = rows.take()
        assert ids(inventory) == numbered(150)

    def test_row_that_moves_to_the_previous_page_is_not_lost(self) -> None:
        """Job 100 becomes row 99 when another one before it is deleted."""
        rows = Rows(numbered(250))

        def delete(asked: int) -> None:
            if asked == 1:
                del rows.names[5:8]

        rows.before = delete
        inventory = rows.take()
        assert {*rows.names} <= {*ids(inventory)}
        assert inventory.incomplete == ()
        assert rows.offsets == [0, 100, 97, 197]

    def test_deletions_behind_the_rows_seen_do_not_end_the_listing_early(self) -> None:
        rows = Rows(numbered(350))

        def delete(asked: int) -> None:
            if asked == 1:
                del rows.names[300:310]

        rows.before = delete
        inventory = rows.take()
        assert ids(inventory) == rows.names
        assert inventory.incomplete == ()

    def test_listing_that_repeats_itself_ends_and_is_incomplete(self) -> None:
        """A server that ignores offset sends the first page for ever."""
        rows = Rows(numbered(250))
        rows.understand = lambda offset: 0
        inventory = rows.take()
        assert len(inventory.jobs) == 100
        (project, failure) = inventory.incomplete[0]
        assert project == "p"
        assert "repeats itself after 100 of 250 jobs" in str(failure)
        assert rows.offsets == [0, 100]

    def test_listing_without_end_is_given_up(self) -> None:
        async def fetch(offset: int) -> Page:
            return Page(jobs=(job(str(offset)),), size=PAGE_SIZE, total=None)

        listing = Listing("ListThings", fetch)
        inventory = run(take_inventory("p", Flaws(), listing, Listing.walk_rows))
        assert "has not ended after 2000 pages" in str(inventory.incomplete[0][1])

    def test_first_page_that_fails_fails_the_listing(self) -> None:
        async def fetch(offset: int) -> Page:
            raise UnreadableError("list: expected a list")

        listing = Listing("ListThings", fetch)
        with pytest.raises(FetchError, match="ListThings failed: invalid_response"):
            run(take_inventory("p", Flaws(), listing, Listing.walk_rows))

    def test_later_page_that_fails_leaves_the_listing_incomplete(self) -> None:
        rows = Rows(numbered(150))

        def fail(asked: int) -> None:
            if asked == 1:
                raise FetchError(Reason.TIMEOUT, "ListThings")

        rows.before = fail
        inventory = rows.take()
        assert len(inventory.jobs) == 100
        assert [failure.reason for _, failure in inventory.incomplete] == [Reason.TIMEOUT]
