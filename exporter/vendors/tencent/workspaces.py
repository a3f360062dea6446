"""Find the work spaces of an account: DescribeWorkSpaces of `oceanus` 2019-04-22."""

from collections.abc import Mapping
from typing import Any

from exporter.errors import FetchError, UnreadableError
from exporter.fields import Flaws, Record, read_rows, row_reader
from exporter.pacing import Clock
from exporter.vendors.tencent.api import Service
from exporter.vendors.tencent.listing import Listings, Page

OPERATION = "DescribeWorkSpaces"
PAGE_SIZE = 20
"""What pages have without a limit: no page says how many they may have."""
LISTED_EVERY = 300.0
"""Seconds: a work space is made by hand, and would cost as many calls as its jobs."""
_USABLE = 2


class WorkSpaceFinder:
    """Know the usable work spaces, asking for them now and then."""

    def __init__(self, service: Service, monotonic: Clock) -> None:
        self._service = service
        self._monotonic = monotonic
        self._listings = Listings(monotonic, page_size=PAGE_SIZE)
        self._found: tuple[str, ...] | None = None
        self._listed_at = 0.0

    async def find(self, flaws: Flaws) -> tuple[tuple[str, ...], FetchError | None]:
        """Return the ids of work spaces, and why there may be others.

        Those that were known are returned when asking fails. Raises FetchError when none ever were.
        """
        now = self._monotonic()
        if self._found is not None and now - self._listed_at < LISTED_EVERY:
            return self._found, None

        async def fetch(offset: int) -> Page[str]:
            asked = {"Offset": offset, "Limit": PAGE_SIZE}
            return parse_workspaces(await self._service.ask(OPERATION, asked), flaws)

        try:
            reading = await self._listings.read(OPERATION, "", fetch)
        except FetchError as exc:
            if self._found is None:
                raise
            return self._found, exc
        found = tuple(name for name in reading.rows if name)
        if reading.failure is not None:
            # What a part of the list does not have is not gone.
            found = tuple(dict.fromkeys((*(self._found or ()), *found)))
        else:
            self._listed_at = now
        self._found = found
        return found, reading.failure


def parse_workspaces(response: Mapping[str, Any], flaws: Flaws) -> Page[str]:
    """Read one page; a work space that is not usable has an empty name.

    Raises UnreadableError when it is no page. The list is called an item, whatever the others are
    called; beside a count of 0 it may be null.
    """
    total = Record(response, OPERATION, flaws).count("TotalCount")
    rows = response.get("WorkSpaceSetItem")
    if rows is None and total == 0:
        rows = []
    if not isinstance(rows, list):
        raise UnreadableError("WorkSpaceSetItem: expected a list")

    def read(record: Record) -> tuple[str, str] | None:
        serial = record.text("SerialId", "WorkSpaceId")
        if not serial:
            record.missing("SerialId")
            return None
        status = record.integer("Status")
        return serial, serial if status in (None, _USABLE) else ""

    found = read_rows(rows, row_reader("WorkSpaceSetItem", read, flaws))
    return Page(
        rows=tuple(pair for pair in found if pair is not None), size=len(found), total=total
    )
