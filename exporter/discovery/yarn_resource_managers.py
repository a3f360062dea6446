"""Ask YARN, whichever of its ResourceManagers is the active one.

Hadoop documentation, "ResourceManager High Availability" and "ResourceManager REST API's". A
standby points to the active one; that is not followed, since it would take the credentials to
whoever it names. What is asked next is the next configured endpoint.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exporter.discovery.yarn_applications import (
    ENDED,
    LIVING,
    Application,
    Listing,
    application_rows,
    parse_application,
    parse_applications,
)
from exporter.errors import FetchError, Reason
from exporter.fields import Flaws, Record
from exporter.upstream.client import GIVE_UP_AFTER, ApiClient
from exporter.upstream.large_json import RowReader
from exporter.upstream.refusals import yarn

APPLICATIONS = "/ws/v1/cluster/apps"
APPLICATION = "/ws/v1/cluster/apps/:appid"

MOST_APPLICATIONS = 10_000
"""In one list; what ResourceManagers remember of all types together, if nobody says otherwise."""
_ONE_HANGS = 0.5
"""Time-outs after which somebody else is asked."""
_KNOX = "/resourcemanager"
"""How the address of a ResourceManager behind Apache Knox ends; its paths lack the first part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manager:
    """One ResourceManager: its address, and a client of it."""

    endpoint: str
    api: ApiClient


class ResourceManagers:
    """The ResourceManagers of one YARN: the next is asked when the present one is not active.

    `user` is the name that Hadoop's simple authentication asks for.
    """

    def __init__(
        self, managers: Sequence[Manager], *, application_type: str, user: str | None = None
    ) -> None:
        self._managers = managers
        self._type = application_type
        self._user = user
        self._present = 0

    @property
    def in_order(self) -> tuple[str, ...]:
        """Return the addresses, beginning with the one that answered last."""
        places = range(self._present, self._present + len(self._managers))
        return tuple(self._managers[each % len(self._managers)].endpoint for each in places)

    async def living(self, flaws: Flaws) -> tuple[Application, ...]:
        """List the applications that have not ended. Raises FetchError."""
        return await self._list({"states": ",".join(LIVING)}, flaws)

    async def ended(self, since: float, flaws: Flaws) -> tuple[Application, ...]:
        """List those that ended after a time, as far as they are remembered. Raises FetchError."""
        begin = str(max(0, int(since * 1000)))
        return await self._list({"states": ",".join(ENDED), "finishedTimeBegin": begin}, flaws)

    async def find(self, application_id: str, flaws: Flaws) -> Application | None:
        """Ask for one application; None when there is none of that id. Raises FetchError."""
        try:
            document = await self._ask(APPLICATION, ("apps", application_id), {}, None)
        except FetchError as exc:
            if exc.gone:
                return None
            raise
        row = document.get("app") if isinstance(document, Mapping) else None
        found = parse_application(Record(row, "app", flaws)) if isinstance(row, Mapping) else None
        if found is None or found.application_id != application_id:
            raise _unlike(APPLICATION, "the application that was asked for")
        return found

    async def _list(self, query: Mapping[str, str], flaws: Flaws) -> tuple[Application, ...]:
        def start() -> Callable[[int, object], Application | None]:
            return application_rows(flaws)

        # Requested resources are most of an answer, and of no interest.
        query = {"applicationTypes": self._type, **query, "deSelects": "resourceRequests"}
        rows = RowReader(paths=[("apps", "app")], start=start)
        document = await self._ask(APPLICATIONS, ("apps",), query, rows)
        listing = parse_applications(document, flaws)
        if listing is None:
            # Taken for an empty listing, an answer of somebody else would end every job.
            raise _unlike(APPLICATIONS, "an object with apps")
        return self._whole(listing)

    def _whole(self, listing: Listing) -> tuple[Application, ...]:
        if len(listing.applications) > MOST_APPLICATIONS:
            detail = f"more than {MOST_APPLICATIONS} applications of type {self._type!r}"
            raise FetchError(Reason.INVALID_RESPONSE, APPLICATIONS, detail=detail)
        if listing.unreadable:
            # Whoever is missing would count as gone.
            detail = f"{listing.unreadable} applications have no id that YARN gives"
            raise FetchError(Reason.INVALID_RESPONSE, APPLICATIONS, detail=detail)
        # A proxy before it may have lost the query.
        wanted = self._type.casefold()
        return tuple(
            each
            for each in listing.applications
            if each.application_type.casefold() in ("", wanted)
        )

    async def _ask(
        self,
        operation: str,
        segments: Sequence[str],
        query: Mapping[str, str],
        rows: RowReader | None,
    ) -> Any:
        pairs = (*query.items(), *((("user.name", self._user),) if self._user else ()))
        give_up_after = _ONE_HANGS if len(self._managers) > 1 else GIVE_UP_AFTER
        failure: FetchError | None = None
        for others in reversed(range(len(self._managers))):
            present = self._present
            manager = self._managers[present]
            try:
                return await manager.api.get_json(
                    operation,
                    (*_root(manager.endpoint), *segments),
                    pairs,
                    give_up_after=give_up_after,
                    rows=rows,
                )
            except FetchError as exc:
                if not _may_work_elsewhere(exc):
                    raise
                # That one of two is a standby says less than why the other does not answer.
                failure = exc if failure is None or exc.code != yarn.STANDBY else failure
                if self._present == present:
                    self._present = (present + 1) % len(self._managers)
                # A time-out that no other try may follow broke off the listing, not one request.
                if not others or (exc.reason is Reason.TIMEOUT and not exc.retryable):
                    raise failure from None
        raise AssertionError("unreachable: the last ResourceManager answers or raises")


def _root(endpoint: str) -> tuple[str, ...]:
    return ("v1", "cluster") if endpoint.endswith(_KNOX) else ("ws", "v1", "cluster")


def _may_work_elsewhere(exc: FetchError) -> bool:
    if exc.reason in (Reason.CONNECTION, Reason.TIMEOUT, Reason.TLS, Reason.INVALID_RESPONSE):
        return True
    return exc.code in (yarn.STANDBY, yarn.NO_ACTIVE) or (exc.status or 0) >= 500


def _unlike(operation: str, expected: str) -> FetchError:
    detail = f"this is no {yarn.API}: expected {expected}; check discovery.yarn.endpoints"
    return FetchError(Reason.INVALID_RESPONSE, operation, detail=detail)
