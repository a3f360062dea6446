"""Rows end a listing; the count beside them is believed only where rows have proved it."""

import pytest

from exporter.errors import FetchError, Reason, UnreadableError
from exporter.vendors.tencent import listing
from exporter.vendors.tencent.listing import Listings, Page, Reading
from tests.virtual_time import run


class Server:
    """A server of numbered rows, with pages of its own size, and a count that says anything."""

    def __init__(self, rows: int, *, total: int | None = None, page_size: int = 3) -> None:
        self.rows = list(range(rows))
        self.total = total
        self.page_size = page_size
        self.asked: list[int] = []
        self.failing: dict[int, Exception] = {}

    async def __call__(self, offset: int) -> Page[int]:
        self.asked.append(offset)
        if offset in self.failing:
            raise self.failing[offset]
        page = self.rows[offset : offset + self.page_size]
        return Page(rows=tuple((each, each) for each in page), size=len(page), total=self.total)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def listings(clock: Clock | None = None) -> Listings:
    return Listings(clock or Clock(), page_size=3)


def read(server: Server, reader: Listings | None = None) -> Reading[int]:
    server.asked.clear()
    return run((reader or listings()).read("List", "space-1", server))


@pytest.mark.parametrize("total", [None, 7, 0, 2])
def test_short_page_ends_a_listing_whatever_lower_count_it_tells(total: int | None) -> None:
    server = Server(7, total=total)
    assert read(server).rows == (0, 1, 2, 3, 4, 5, 6)
    assert server.asked == [0, 3, 6]


def test_greater_count_is_looked_into_once() -> None:
    """The vendor's example tells 31 beside one row; another server may have smaller pages."""
    server, reader = Server(1, total=31), listings()
    assert read(server, reader).rows == (0,)
    assert server.asked == [0, 1]
    read(server, reader)
    assert server.asked == [0]
    server.total = 32
    read(server, reader)
    assert server.asked == [0, 1]


def test_server_with_smaller_pages_is_read_to_its_end() -> None:
    server = Server(5, total=5, page_size=2)
    assert read(server).rows == (0, 1, 2, 3, 4)


@pytest.mark.parametrize("total", [6, 3, None])
def test_listing_of_full_pages_ends_with_an_empty_one(total: int | None) -> None:
    server = Server(6, total=total)
    assert read(server).rows == (0, 1, 2, 3, 4, 5)
    assert server.asked == [0, 3, 6]


def test_count_beyond_a_full_page_is_looked_after_each_time() -> None:
    server, reader = Server(6, total=7), listings()
    read(server, reader)
    server.rows.append(6)
    assert len(read(server, reader).rows) == 7


def test_end_after_full_pages_is_believed_for_an_hour() -> None:
    clock = Clock()
    server, reader = Server(6, total=6), listings(clock)
    read(server, reader)
    clock.now = 3599
    read(server, reader)
    assert server.asked == [0, 3]
    clock.now = 3601
    read(server, reader)
    assert server.asked == [0, 3, 6]


def test_end_that_was_seen_is_not_that_of_another_number_of_rows() -> None:
    server, reader = Server(6, total=6), listings()
    read(server, reader)
    server.rows, server.total = list(range(9)), 9
    assert len(read(server, reader).rows) == 9
    # The count of before, but other rows: it counts something else.
    server.total = 6
    assert len(read(server, reader).rows) == 9


def test_end_of_one_work_space_is_not_that_of_another() -> None:
    server, reader = Server(6, total=6), listings()
    read(server, reader)
    server.asked.clear()
    run(reader.read("List", "space-2", server))
    assert server.asked == [0, 3, 6]


def test_rows_that_shift_are_kept_once() -> None:
    server = Server(6, total=6)
    server.rows = [0, 1, 2, 2, 3]
    assert read(server).rows == (0, 1, 2, 3)


def test_server_that_ignores_the_offset_is_a_failure_with_what_it_told() -> None:
    class Deaf(Server):
        async def __call__(self, offset: int) -> Page[int]:
            return await super().__call__(0)

    reading = read(Deaf(9, total=9))
    assert reading.rows == (0, 1, 2)
    assert reading.failure is not None
    assert "repeats itself after 3 rows" in str(reading.failure)


def test_server_that_repeats_its_last_page_beyond_the_end_has_told_all() -> None:
    class Stuck(Server):
        async def __call__(self, offset: int) -> Page[int]:
            return await super().__call__(min(offset, 3))

    reading = read(Stuck(6, total=6))
    assert (reading.rows, reading.failure) == ((0, 1, 2, 3, 4, 5), None)


def test_pages_without_a_row_that_can_be_read_do_not_go_on_for_ever() -> None:
    async def nonsense(offset: int) -> Page[int]:
        return Page(rows=(), size=3, total=99)

    reading = run(listings().read("List", "space-1", nonsense))
    assert reading.failure is not None


def test_page_that_fails_keeps_the_rows_before_it() -> None:
    server = Server(7, total=7)
    server.failing[3] = FetchError(Reason.SERVER, "List")
    reading = read(server)
    assert reading.rows == (0, 1, 2)
    assert reading.failure is server.failing[3]


def test_first_page_that_fails_is_a_failure_of_the_listing() -> None:
    server = Server(7)
    server.failing[0] = UnreadableError("JobSet: expected a list")
    with pytest.raises(FetchError, match="JobSet: expected a list; check endpoint"):
        read(server)


def test_listing_without_end_is_given_up() -> None:
    async def endless(offset: int) -> Page[int]:
        return Page(rows=((offset, offset),), size=3, total=None)

    reading = run(listings().read("List", "space-1", endless))
    assert f"not ended after {listing._MOST_PAGES} pages" in str(reading.failure)


def test_listing_of_more_jobs_than_any_source_has_is_given_up() -> None:
    async def vast(offset: int) -> Page[int]:
        rows = tuple((each, each) for each in range(offset, offset + 150_000))
        return Page(rows=rows, size=150_000, total=None)

    assert "more than 200000 rows" in str(run(listings().read("List", "s", vast)).failure)
