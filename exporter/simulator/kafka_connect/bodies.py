"""What a worker of Kafka Connect answers about a connector, and how it says no.

Follows ConnectorStateInfo, ConnectorInfo and ErrorMessage of connect/runtime, 3.9 and 4.3.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

Body = dict[str, object]

STARTING_PAGE = b"""<html>
<head>
<meta http-equiv="Content-Type" content="text/html;charset=ISO-8859-1"/>
<title>Error 404 Not Found</title>
</head>
<body>
<h2>HTTP ERROR 404 Not Found</h2>
<table>
<tr><th>URI:</th><td>/</td></tr>
<tr><th>STATUS:</th><td>404</td></tr>
<tr><th>MESSAGE:</th><td>Not Found</td></tr>
</table>
</body>
</html>
"""
"""What Jetty says of every path until Connect has registered its own."""
AMBIGUOUS_PAGE = STARTING_PAGE.replace(b"404", b"400").replace(
    b"Not Found", b"Ambiguous URI path separator"
)
"""What Jetty 12 says of a name with a slash."""


class ConnectError(Exception):
    """A refusal in Connect's own words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    def body(self) -> Body:
        """Return what ConnectExceptionMapper writes."""
        return {"error_code": self.status, "message": self.message}


class UnhealthyError(ConnectError):
    """What `/health` says once the herder has not answered for ten seconds."""

    def body(self) -> Body:
        """Return a WorkerStatus, which is no ErrorMessage."""
        return {"status": "unhealthy", "message": self.message}


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedTask:
    """One task at one moment."""

    task_id: int
    state: str
    worker_id: str
    trace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedConnector:
    """One connector at one moment."""

    name: str
    state: str
    worker_id: str
    tasks: tuple[SimulatedTask, ...] = ()
    configured_tasks: int | None = None
    """None when it has as many as it shows."""
    kind: str = "source"
    trace: str = ""
    version: str = "4.3.0"
    """Empty before 4.3, which does not tell it."""
    identity: str = "lcc-00000"
    """Confluent Cloud's id of it."""
    config: Mapping[str, str] = field(default_factory=dict)

    def status(self) -> Body:
        """Return what /connectors/{name}/status says."""
        connector = _part(self.state, self.worker_id, self.trace, self.version)
        tasks = [
            {"id": task.task_id, **_part(task.state, task.worker_id, task.trace, self.version)}
            for task in self.tasks
        ]
        return {"name": self.name, "connector": connector, "tasks": tasks, "type": self.kind}

    def info(self) -> Body:
        """Return what /connectors/{name} says, passwords included."""
        count = len(self.tasks) if self.configured_tasks is None else self.configured_tasks
        return {
            "name": self.name,
            "config": {"name": self.name, **self.config},
            "tasks": [{"connector": self.name, "task": number} for number in range(count)],
            "type": self.kind,
        }

    def expanded(self, words: list[str]) -> Body:
        """Return the entry of a listing with what these words name; others are passed over."""
        known: Mapping[str, Body] = {
            "status": self.status(),
            "info": self.info(),
            "id": {"id": self.identity, "id_type": "ID"},
        }
        return {word: known[word] for word in words if word in known}


def _part(state: str, worker_id: str, trace: str, version: str) -> Body:
    part: Body = {"state": state, "worker_id": worker_id}
    if trace:
        part["trace"] = trace
    if version:
        part["version"] = version
    return part
