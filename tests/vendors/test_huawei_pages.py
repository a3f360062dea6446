"""A listing whose offset counts pages is walked too, and each page and chosen id is read."""

import pytest

from exporter.errors import FetchError, Reason, UnreadableError
from exporter.fields import Flaws, Record
from exporter.model import Job
from exporter.source import Inventory
from exporter.vendors.huawei_inventory import Listing, Page, ask_for_each, read_page
from tests.vendors.huawei_listings import Rows, ids, job, numbered
from tests.virtual_time import run


class TestPages:
    @pytest.mark.parametrize("pages_from", [0, 1])
    def test_pages_serve_where_rows_end_too_early(self, pages_from: int) -> None:
        rows = Rows(numbered(250), pages_from=pages_from)
        inventory = rows.take(Listing.walk_rows, Listing.walk_pages)
        assert sorted(ids(inventory), key=int) == numbered(250)
        assert inventory.incomplete == ()

    @pytest.mark.parametrize(("pages_from", "offsets"), [(0, [0, 1, 2]), (1, [0, 1, 2, 3])])
    def test_pages_alone_cost_one_call_each(self, pages_from: int, offsets: list[int]) -> None:
        rows = Rows(numbered(250), pages_from=pages_from)
        inventory = rows.take(Listing.walk_pages)
        assert ids(inventory) == numbered(250)
        assert rows.offsets == offsets

    def test_first_page_can_be_what_the_server_makes_of_page_zero(self) -> None:
        rows = Rows(numbered(250), pages_from=0)
        rows.understand = lambda offset: max(0, offset - 1)
        inventory = rows.take(Listing.walk_pages)
        assert ids(inventory) == numbered(250)
        assert inventory.incomplete == ()

    def test_empty_page_ends_a_listing_whose_total_counts_more(self) -> None:
        rows = Rows(numbered(150), pages_from=0)
        rows.total = 160
        inventory = rows.take(Listing.walk_pages)
        assert len(inventory.jobs) == 150
        assert inventory.incomplete == ()
        assert rows.offsets == [0, 1, 2]

    def test_page_that_comes_again_and_again_ends_the_listing(self) -> None:
        rows = Rows(numbered(150))
        rows.understand = lambda offset: 0
        inventory = rows.take(Listing.walk_pages)
        assert len(inventory.incomplete) == 1
        assert rows.offsets == [0, 1, 2]

    def test_overlapping_pages_show_that_offset_counts_rows(self) -> None:
        """Otherwise every poll would creep through the listing row by row."""
        rows = Rows(numbered(250))
        inventory = rows.take(Listing.walk_pages, Listing.walk_rows)
        assert sorted(ids(inventory), key=int) == numbered(250)
        assert rows.offsets == [0, 1, 0, 100, 200]


class TestPage:
    @staticmethod
    def read(listing: object) -> tuple[Page, Flaws]:
        flaws = Flaws()

        def parse_row(row: Record) -> Job | None:
            return job(row.text("id")) if row.has("id") else None

        return read_page(listing, "list", "total", parse_row, flaws), flaws

    def test_rows_that_cannot_be_read_count_as_rows(self) -> None:
        """Otherwise the next page would start too early."""
        page, flaws = self.read({"total": 3, "jobs": [{"id": "1"}, {}, None]})
        assert (len(page.jobs), page.size, page.total) == (1, 3, 3)
        assert [flaw.place for flaw in flaws.unreadable] == ["list.jobs[2]"]

    @pytest.mark.parametrize("jobs", [{}, {"jobs": None}])
    def test_list_may_be_absent_beside_a_total(self, jobs: dict[str, None]) -> None:
        page, _ = self.read({"total": 0, **jobs})
        assert page == Page(jobs=(), size=0, total=0)

    @pytest.mark.parametrize("listing", [None, [], {}, "jobs", {"jobs": {}, "total": 1}])
    def test_no_list_is_not_an_empty_one(self, listing: object) -> None:
        with pytest.raises(UnreadableError):
            self.read(listing)


class TestIds:
    @staticmethod
    def ask(**answers: Job | FetchError) -> Inventory:
        async def ask(job_id: str) -> Job:
            answer = answers[job_id]
            if isinstance(answer, FetchError):
                raise answer
            return answer

        return run(ask_for_each("p", Flaws(), [*answers, *answers], ask))

    def test_gone_ids_are_left_out(self) -> None:
        gone = FetchError(Reason.NOT_FOUND, "Show", gone=True)
        inventory = self.ask(a=job("a"), b=gone)
        assert ids(inventory) == ["a"]
        assert inventory.incomplete == ()

    def test_one_failure_leaves_the_others(self) -> None:
        failure = FetchError(Reason.TIMEOUT, "Show")
        inventory = self.ask(a=failure, b=job("b"))
        assert ids(inventory) == ["b"]
        assert inventory.incomplete == (("p", failure),)

    def test_failure_of_all_is_a_failure(self) -> None:
        failure = FetchError(Reason.TIMEOUT, "Show")
        with pytest.raises(FetchError) as caught:
            self.ask(a=failure, b=FetchError(Reason.SERVER, "Show"))
        assert caught.value is failure

    def test_all_gone_is_an_empty_inventory(self) -> None:
        assert self.ask(a=FetchError(Reason.NOT_FOUND, "Show", gone=True)).jobs == ()
