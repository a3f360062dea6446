"""Ask for the overview of snapshots as a browser does."""

from urllib.parse import parse_qsl

from exporter.model import Snapshot
from exporter.pages.overview import Overview, overview
from exporter.pages.query import parse
from exporter.pages.reader import Reader
from tests.virtual_time import EPOCH

NOW = EPOCH + 5
READER = Reader(now=NOW)


def overview_of(*snapshots: Snapshot, query: str = "", reader: Reader = READER) -> Overview:
    """Return the overview that an address with this query leads to."""
    return overview(snapshots, parse(parse_qsl(query)), reader)


def names_of(page: Overview) -> list[str]:
    """Return the names of the jobs on a page, in their order."""
    return [row.name for row in page.rows]
