"""Ask the Managed Service for Apache Flink what there is and what was done to it.

API Reference of kinesisanalyticsv2 (2018-05-23): ListApplications, DescribeApplication,
ListApplicationOperations, DescribeApplicationOperation. All of them are free of charge.
"""

from collections.abc import Mapping
from typing import Any

from exporter.errors import FetchError, UnreadableError
from exporter.fields import Flaws
from exporter.source import MOST_JOBS
from exporter.vendors.aws.access import Asks, invalid
from exporter.vendors.aws.applications import (
    Description,
    Summary,
    parse_description,
    parse_summaries,
)
from exporter.vendors.aws.operations import (
    START,
    History,
    Operation,
    history_of,
    parse_failure,
    parse_operations,
)

PAGE_SIZE = 50
LIST = "ListApplications"
DESCRIBE = "DescribeApplication"
LIST_OPERATIONS = "ListApplicationOperations"
DESCRIBE_OPERATION = "DescribeApplicationOperation"
_MOST_PAGES = MOST_JOBS // PAGE_SIZE
_MOST_PAGES_OF_OPERATIONS = 10
"""Beyond five hundred operations nobody looks for the last start."""


class ControlPlane:
    """The applications of one account in one region."""

    def __init__(self, service: Asks) -> None:
        self._service = service

    async def applications(self, flaws: Flaws) -> tuple[dict[str, Summary], FetchError | None]:
        """List the applications by name; return also why it is not all of them.

        Raises FetchError when not even the first page could be had.
        """
        found: dict[str, Summary] = {}
        tokens: set[str] = set()
        token = ""
        for page in range(_MOST_PAGES):
            try:
                document = await self._service.ask(LIST, _page(token))
                summaries, token = parse_summaries(document, flaws)
                if token in tokens:
                    raise invalid(LIST, "the listing begins again and again")
            except UnreadableError as exc:
                failure = invalid(LIST, str(exc))
            except FetchError as exc:
                failure = exc
            else:
                for summary in summaries:
                    found.setdefault(summary.name, summary)
                if not token:
                    return found, None
                tokens.add(token)
                continue
            if page == 0:
                raise failure
            return found, failure
        return found, invalid(LIST, f"no end after {_MOST_PAGES} pages")

    async def describe(self, name: str, flaws: Flaws) -> Description:
        """Ask for one application; raises FetchError, `gone` when there is none of that name."""
        # Without the plan of its job, which can be large.
        document = await self._service.ask(DESCRIBE, {"ApplicationName": name})
        try:
            return parse_description(document, name, flaws)
        except UnreadableError as exc:
            raise invalid(DESCRIBE, str(exc)) from exc

    async def history(self, name: str, flaws: Flaws) -> History:
        """Ask what was done to an application, back to its last start.

        Raises FetchError, `gone` when there is none of that name.
        """
        operations: list[Operation] = []
        token, whole = "", True
        for _ in range(_MOST_PAGES_OF_OPERATIONS):
            fields = {"ApplicationName": name, **_page(token)}
            document = await self._service.ask(LIST_OPERATIONS, fields)
            try:
                page = parse_operations(document, flaws)
            except UnreadableError as exc:
                raise invalid(LIST_OPERATIONS, str(exc)) from exc
            operations += page.operations
            token, whole = page.token, whole and page.whole
            if not token or any(each.name == START for each in page.operations):
                break
        return history_of(operations, whole=whole and not token)

    async def why_failed(self, name: str, operation_id: str, flaws: Flaws) -> str:
        """Ask why an operation has failed; raises FetchError."""
        fields = {"ApplicationName": name, "OperationId": operation_id}
        document = await self._service.ask(DESCRIBE_OPERATION, fields)
        try:
            return parse_failure(document, flaws)
        except UnreadableError as exc:
            raise invalid(DESCRIBE_OPERATION, str(exc)) from exc


def _page(token: str) -> Mapping[str, Any]:
    return {"Limit": PAGE_SIZE, "NextToken": token} if token else {"Limit": PAGE_SIZE}
