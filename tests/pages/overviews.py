"""Ask for the overview of snapshots as a browser does."""

from urllib.parse import parse_qsl

from exporter.model import Snapshot
from exporter.pages.overview import Overview, overview
from exporter.pages.query import parse
from tests.virtual_time import EPOCH

NOW = EPOCH + 5


def overview_of(*snapshots: Snapshot, query: str = "", now: float = NOW) -> Overview:
    """Return the overview that an address with this query leads to."""
    return overview(snapshots, parse(parse_qsl(query)), now)


def names_of(page: Overview) -> list[str]:
    """Return the names of the jobs on a page, in their order."""
    return [row.name for row in page.rows]
