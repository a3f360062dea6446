"""Read what YARN's ResourceManager says of its applications.

Hadoop documentation, "ResourceManager REST API's", Cluster Applications API and Cluster Application
API, 2.7 to 3.4; what they answer is Hadoop's AppInfo. Whom the access control lists keep from an
application sees neither its times nor where its master is. Everything here is pure.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from exporter.fields import Flaws, ReadRows, Record, row_reader
from exporter.model import State

APPLICATION_ID = re.compile(r"application_[0-9]{1,20}_[0-9]{4,10}")
LIVING = ("NEW", "NEW_SAVING", "SUBMITTED", "ACCEPTED", "RUNNING")
"""Words that can be asked for; ResourceManagers have others within, see below."""
ENDED = ("FINISHED", "FAILED", "KILLED")

_WAITING = frozenset({"NEW", "NEW_SAVING", "SUBMITTED", "ACCEPTED"})
_UNREGISTERED = frozenset({"FINISHED", "FINISHING"})
"""The master has said how it ended; FINISHING lasts until its container has gone."""
_FINISHED = {"SUCCEEDED": State.FINISHED, "FAILED": State.FAILED, "KILLED": State.STOPPED}
"""How Flink signs off: a cancelled job as KILLED, one it knows nothing of as UNDEFINED."""

_ADDRESS = re.compile(r"[A-Za-z0-9._-]{1,253}:([0-9]{1,5})|\[[0-9A-Fa-f:.]{2,45}\]:([0-9]{1,5})")
_WORD = re.compile(r"[A-Z_]{1,32}")
_LONGEST_DIAGNOSTICS = 16384


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """One application; times are None and the address is empty where they are not known."""

    application_id: str
    name: str = ""
    user: str = ""
    queue: str = ""
    application_type: str = ""
    state: str = ""
    """YARN's word in capitals; empty when it is no word."""
    final_status: str = ""
    started_timestamp: float | None = None
    finished_timestamp: float | None = None
    master_address: str = ""
    """host:port that the master registered: for Flink, where its REST API answers."""
    diagnostics: str = ""
    """Free text for people: it can quote a stack trace with arguments."""

    @property
    def waiting(self) -> bool:
        """Say whether there is no master yet: nobody to ask."""
        return self.state in _WAITING

    @property
    def ended(self) -> bool:
        """Say whether the application is over, as far as its jobs are concerned."""
        return self.state in _UNREGISTERED or self.state in ENDED

    @property
    def native_status(self) -> str:
        """Return YARN's words for how it stands."""
        if self.state in _UNREGISTERED and self.final_status:
            return f"FINISHED/{self.final_status}"
        return self.state

    @property
    def end_state(self) -> State:
        """Return how the one job of an ended application ended; UNKNOWN when that is not told."""
        if self.state in _UNREGISTERED:
            return _FINISHED.get(self.final_status, State.UNKNOWN)
        return {"FAILED": State.FAILED, "KILLED": State.STOPPED}.get(self.state, State.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The applications of one answer; `unreadable` counts the rows that are none."""

    applications: tuple[Application, ...]
    unreadable: int = 0


def application_rows(flaws: Flaws) -> Callable[[int, object], Application | None]:
    """Return what reads one row of a listing."""
    return row_reader("apps.app", parse_application, flaws)


def parse_applications(document: object, flaws: Flaws) -> Listing | None:
    """Read a listing; None of what is no answer of a ResourceManager.

    No application at all is `{"apps": null}` in Hadoop 2 and `{"apps": {}}` in 3. A single one may
    come without a list around it, which is how older versions write lists of one.
    """
    if not isinstance(document, Mapping) or "apps" not in document:
        return None
    apps = document["apps"]
    if apps is None or apps == {}:
        return Listing(applications=())
    if not isinstance(apps, Mapping) or "app" not in apps:
        return None
    rows = apps["app"]
    if isinstance(rows, Mapping):
        rows = [rows]
    if not isinstance(rows, list):
        return None
    found = list(_applications(rows, flaws))
    known = tuple(each for each in found if each is not None)
    return Listing(applications=known, unreadable=len(found) - len(known))


def parse_application(row: Record) -> Application | None:
    """Read one application; None, and noted, when it has no id."""
    application_id = row.text("id")
    if not APPLICATION_ID.fullmatch(application_id):
        row.missing("id")
        return None
    return Application(
        application_id=application_id,
        name=row.text("name"),
        user=row.text("user"),
        queue=row.text("queue"),
        application_type=row.text("applicationType"),
        state=_word(row.text("state")),
        final_status=_word(row.text("finalStatus")),
        started_timestamp=row.time_milliseconds("startedTime"),
        finished_timestamp=row.time_milliseconds("finishedTime"),
        master_address=_address(row.text("amRPCAddress")),
        diagnostics=row.long_text("diagnostics", limit=_LONGEST_DIAGNOSTICS),
    )


def _applications(rows: list[Any], flaws: Flaws) -> Iterator[Application | None]:
    if isinstance(rows, ReadRows):
        yield from rows
        return
    read = application_rows(flaws)
    for number, row in enumerate(rows):
        yield read(number, row)


def _word(text: str) -> str:
    word = text.strip().upper()
    return word if _WORD.fullmatch(word) else ""


def _address(text: str) -> str:
    # A master that has not registered yet is "N/A" at port -1 or 0.
    match = _ADDRESS.fullmatch(text)
    port = int(match[1] or match[2]) if match else 0
    return text if 0 < port < 65536 else ""
