"""What a ResourceManager answers: applications as JSON, and refusals.

Follows Hadoop's AppInfo, AppsInfo, RMWebServices, DeSelectFields and GenericExceptionHandler.
"""

from collections.abc import Mapping

from exporter.simulator.yarn.applications import LIVING, Application

Body = dict[str, object]

STATES = ("NEW", "NEW_SAVING", "SUBMITTED", "ACCEPTED", "RUNNING", "FINISHED", "FAILED", "KILLED")
FINAL_STATUSES = ("UNDEFINED", "SUCCEEDED", "FAILED", "KILLED", "ENDED")
DE_SELECTS = (
    *("resourceRequests", "timeouts", "appNodeLabelExpression", "amNodeLabelExpression"),
    "resourceInfo",
)
_UNASSIGNED = frozenset({"NEW", "NEW_SAVING", "SUBMITTED", "ACCEPTED"})


class YarnError(Exception):
    """A refusal with Hadoop's name of the exception."""

    def __init__(self, status: int, exception: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.exception = exception
        self.message = message

    def body(self) -> Body:
        """Return what GenericExceptionHandler writes."""
        return {
            "RemoteException": {
                "exception": self.exception,
                "message": f"java.lang.Exception: {self.message}",
                "javaClassName": f"org.apache.hadoop.yarn.webapp.{self.exception}",
            }
        }


def application_row(
    application: Application,
    now: float,
    *,
    cluster_id: int,
    address: str,
    sees: bool,
    de_selected: frozenset[str],
) -> Body:
    """Describe an application as AppInfo does; who does not see it gets half of it."""
    identity = application.identity(cluster_id)
    ready = application.state not in _UNASSIGNED
    ended = application.state not in LIVING
    tracking = "History" if ended else "ApplicationMaster"
    row: Body = {
        "id": identity,
        "user": application.user,
        "name": application.name,
        "queue": application.queue,
        "state": application.state,
        "finalStatus": application.final_status,
        "progress": 100.0 if ready else 0.0,
        "trackingUI": tracking if ready else "UNASSIGNED",
        "diagnostics": application.diagnostics,
        "clusterId": cluster_id,
        "applicationType": application.application_type,
        "applicationTags": "",
        "priority": 0,
        "startedTime": 0,
        "launchTime": 0,
        "finishedTime": 0,
        "elapsedTime": 0,
    }
    if ready:
        row["trackingUrl"] = f"{address}/proxy/{identity}/"
    if sees:
        row |= _times(application, now) | _where(application)
        if "resourceRequests" not in de_selected:
            row["resourceRequests"] = [{"priority": 0, "resourceName": "*", "numContainers": 0}] * 8
    return row


def _times(application: Application, now: float) -> Body:
    started, finished = application.started_at, application.finished_at
    return {
        "startedTime": round(started * 1000),
        "launchTime": round(started * 1000),
        "finishedTime": round(finished * 1000),
        "elapsedTime": round(((finished or now) - started) * 1000),
        "logAggregationStatus": "DISABLED",
        "unmanagedApplication": False,
    }


def _where(application: Application) -> Body:
    if application.state in _UNASSIGNED:
        return {"allocatedMB": -1, "allocatedVCores": -1, "runningContainers": -1}
    ended = application.state not in LIVING
    node = f"node-{application.attempt}.example.org"
    return {
        "amContainerLogs": f"http://{node}:8042/node/containerlogs/{application.user}",
        # That of the NodeManager, whatever its name suggests.
        "amHostHttpAddress": f"{node}:8042",
        "amRPCAddress": application.master,
        "allocatedMB": -1 if ended else 4096,
        "allocatedVCores": -1 if ended else 2,
        "runningContainers": -1 if ended else 2,
    }


def chosen(
    applications: list[Application], query: Mapping[str, str], queues: frozenset[str]
) -> list[Application]:
    """Return the applications that a query asks for. Raises YarnError for one that says nonsense.

    RMWebServices.getApps, in the order of its checks.
    """
    states = _words(query.get("states", query.get("state", "")), STATES, "application-state")
    final = query.get("finalStatus", "")
    if final and final not in FINAL_STATUSES:
        raise YarnError(400, "IllegalArgumentException", f"No enum constant {final}")
    limit = _number(query, "limit", least=1)
    begin, end = _number(query, "finishedTimeBegin"), _number(query, "finishedTimeEnd")
    if begin is not None and end is not None and begin > end:
        raise YarnError(400, "BadRequestException", "finishedTimeEnd must be greater")
    queue = query.get("queue", "")
    if queue and queue not in queues:
        raise YarnError(400, "BadRequestException", f"Unknown queue: {queue}")
    _words(query.get("deSelects", ""), DE_SELECTS, "deSelects string")
    types = {each.strip().lower() for each in query.get("applicationTypes", "").split(",")} - {""}
    found = [
        each
        for each in applications
        if (not states or each.state in states)
        and (not final or each.final_status == final)
        and (not types or each.application_type.lower() in types)
        and (not queue or each.queue == queue)
        and (not query.get("user") or each.user == query["user"])
        and (begin is None or each.finished_at * 1000 >= begin)
        and (end is None or each.finished_at * 1000 <= end)
    ]
    return found[:limit]


def _words(text: str, known: tuple[str, ...], what: str) -> frozenset[str]:
    words = [each.strip() for each in text.split(",") if each.strip()]
    by_lower = {each.lower(): each for each in known}
    for each in words:
        if each.lower() not in by_lower:
            message = f"Invalid {what} {each} specified. It should be one of {list(known)}"
            raise YarnError(400, "BadRequestException", message)
    return frozenset(by_lower[each.lower()] for each in words)


def _number(query: Mapping[str, str], name: str, least: int = 0) -> int | None:
    text = query.get(name, "")
    if not text:
        return None
    try:
        number = int(text)
    except ValueError:
        raise YarnError(400, "NumberFormatException", f'For input string: "{text}"') from None
    if number < least:
        raise YarnError(400, "BadRequestException", f"{name} must be greater than 0")
    return number
