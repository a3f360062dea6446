"""The kinds of platform: what their listings and details tell of a job, and what not."""

from dataclasses import dataclass
from enum import Enum, auto

from exporter.model import State


class Paging(Enum):
    """How a listing is divided."""

    BY_ROWS = auto()
    """`offset` counts rows, as with Huawei Cloud."""
    BY_NUMBER = auto()
    """Pages have numbers, as with Alibaba Cloud."""
    BY_SHORT_PAGE = auto()
    """`Offset` counts rows, and only rows end a listing, as with Tencent Cloud."""
    BY_TOKEN = auto()
    """Each page says where the next one begins, by the name of its last row, as with Amazon."""
    NONE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """The manners of one platform."""

    name: str
    paging: Paging
    two_projects: bool = False
    batch_listing: bool = False
    """Whether batch jobs, of which there are none, have a listing of their own."""
    id_is_name: bool = False
    """Whether the name is all there is of an id."""
    run_is_id: bool = False
    """Whether each run is a job of its own, beside those that have ended."""
    silent_rows: bool = False
    """Whether rows of an ended job may not tell its state."""
    rows_tell_run: bool = False
    rows_tell_end: bool = False
    rows_tell_update: bool = False
    rows_tell_duration: bool = False
    details_are_rows: bool = False
    """Whether asking for a listed job brings nothing that its row has not."""
    details_tell_end: bool = False
    details_tell_update: bool = False
    details_tell_since: bool = False
    details_tell_restarts: bool = True
    starts_when_running: bool = False
    """Whether the start is when it first ran, and not when it was submitted."""
    tells_runs: bool = True
    """Whether anything tells one run from another: its start, what it was given, an old error."""
    runs_have_ids: bool = True
    ids_while_active: bool = False
    """Whether only a run that goes on tells its id."""
    finer: bool = False
    """Whether a restart is told by a second view only, beside a status that says running."""
    restarts_unseen: bool = False
    """Whether nothing tells a restarting job from a running one."""
    details_lag: float = 0.0
    """How old the answer about a single job is when it arrives."""

    def words(self, state: State) -> tuple[State, State | None]:
        """Return the status of a job in a state, and the closer view of it where there is one."""
        if state is State.RESTARTING and (self.finer or self.restarts_unseen):
            return State.RUNNING, state if self.finer else None
        return state, state if self.finer and state is State.RUNNING else None


DLI = Kind(
    name="huawei_dli",
    paging=Paging.BY_ROWS,
    rows_tell_duration=True,
    details_tell_update=True,
    ids_while_active=True,
    finer=True,
)
DATAARTS = Kind(
    name="huawei_dataarts",
    paging=Paging.BY_ROWS,
    id_is_name=True,
    rows_tell_run=True,
    runs_have_ids=False,
    details_tell_restarts=False,
    restarts_unseen=True,
)
BLINK = Kind(
    name="alibaba_blink",
    paging=Paging.BY_NUMBER,
    two_projects=True,
    batch_listing=True,
    id_is_name=True,
    rows_tell_run=True,
    rows_tell_end=True,
    rows_tell_update=True,
    details_are_rows=True,
    details_tell_restarts=False,
    starts_when_running=True,
    restarts_unseen=True,
)
VERVERICA = Kind(
    name="alibaba_flink",
    paging=Paging.BY_NUMBER,
    two_projects=True,
    silent_rows=True,
    details_tell_end=True,
    details_tell_update=True,
    starts_when_running=True,
    finer=True,
)
FLINK = Kind(
    name="apache_flink",
    paging=Paging.NONE,
    run_is_id=True,
    rows_tell_run=True,
    rows_tell_end=True,
    rows_tell_update=True,
    rows_tell_duration=True,
    details_tell_end=True,
    details_tell_since=True,
    # It keeps job graphs for three seconds.
    details_lag=3.0,
)
CONNECT = Kind(
    name="kafka_connect",
    paging=Paging.NONE,
    id_is_name=True,
    tells_runs=False,
    runs_have_ids=False,
    details_tell_restarts=False,
)
OCEANUS = Kind(
    name="tencent_oceanus",
    paging=Paging.BY_SHORT_PAGE,
    two_projects=True,
    rows_tell_run=True,
    rows_tell_end=True,
    rows_tell_update=True,
    details_are_rows=True,
    details_tell_restarts=False,
    starts_when_running=True,
    runs_have_ids=False,
    restarts_unseen=True,
)
AWS = Kind(
    name="aws_flink",
    paging=Paging.BY_TOKEN,
    id_is_name=True,
    # READY is all that is said of what does not run.
    silent_rows=True,
    details_tell_end=True,
    details_tell_update=True,
    details_tell_restarts=False,
    starts_when_running=True,
    restarts_unseen=True,
)
KINDS = (DLI, DATAARTS, BLINK, VERVERICA, FLINK, CONNECT, OCEANUS, AWS)
