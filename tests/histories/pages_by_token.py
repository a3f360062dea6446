"""Make pages as Amazon does: each says where the next one begins, by the name of its last row."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from exporter.model import Job
from tests.histories.truth import PROJECTS, JobTruth

Rows = Callable[[int, str], Awaitable[list[tuple[JobTruth, Job]]]]


class PagesByToken:
    """The rows of one listing, in the order of their names; `told` holds those that were sent."""

    def __init__(self, rows: Rows, page_size: int) -> None:
        """Take what fetches all rows as they are, given how many pages came before."""
        self._rows = rows
        self._page_size = page_size
        self._pages = 0
        self.told: dict[str, Job] = {}

    async def ask(self, operation: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer a page of ListApplications."""
        rows = await self._rows(self._pages, PROJECTS[0])
        self._pages += 1
        after = fields.get("NextToken", "")
        rest = sorted(
            (row for _, row in rows if row.job_name > after), key=lambda row: row.job_name
        )
        page = rest[: self._page_size]
        self.told |= {row.job_name: row for row in page}
        answer: dict[str, Any] = {
            "ApplicationSummaries": [
                {"ApplicationName": row.job_name, "ApplicationStatus": row.native_status}
                for row in page
            ]
        }
        return answer | ({"NextToken": page[-1].job_name} if len(rest) > len(page) else {})
