"""What is behind FlinkApiProxy: the Flink of one run, which has an id of its own for it.

The vendor's sample shows an answer of Flink as a text. What becomes of an error of Flink is said
nowhere: here its body comes as the text, without its status.
"""

import json
import re
from collections.abc import Callable

from starlette.requests import Request

from exporter.simulator.apache_flink.cluster import Cluster, FlinkJob
from exporter.simulator.apache_flink.rest import FlinkError, Rest
from exporter.simulator.fleet.fleet import Fleet, View

_JID = "(?P<jid>[^/]+)"
_VERTEX = "(?P<vid>[^/]+)"
_VERSION = "1.17.2"


class ProxiedFlink:
    """The Flinks of a workspace, one for each run."""

    def __init__(self, fleet: Fleet) -> None:
        self._cluster = Cluster(fleet)

    def answer(self, target: str, run: View, now: float) -> str:
        """Return what the Flink of a run answers to a GET of this path and query."""
        path, _, query = target.partition("?")
        api = Rest(_OneRun(self._cluster, run), version=_VERSION)
        answers: dict[str, Callable[[Request, float], object]] = {
            "/config": api.config,
            "/jobs/overview": api.jobs_overview,
            f"/jobs/{_JID}": api.job,
            f"/jobs/{_JID}/metrics": api.job_metrics,
            f"/jobs/{_JID}/checkpoints": api.checkpoints,
            f"/jobs/{_JID}/exceptions": api.exceptions,
            f"/jobs/{_JID}/vertices/{_VERTEX}/subtasks/metrics": api.subtasks_metrics,
        }
        chosen: Callable[[Request, float], object] = api.unknown
        given: dict[str, str] = {}
        for pattern, answer in answers.items():
            if match := re.fullmatch(pattern, path):
                chosen, given = answer, match.groupdict()
                break
        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "path_params": given,
            "query_string": query.encode(),
            "headers": [],
        }
        try:
            return json.dumps(chosen(Request(scope), now))
        except FlinkError as error:
            return json.dumps({"errors": error.errors})


class _OneRun:
    """A cluster that knows one run."""

    def __init__(self, cluster: Cluster, run: View) -> None:
        self._cluster = cluster
        self._run = run

    def jobs(self, now: float) -> list[FlinkJob]:
        """Return the run alone."""
        return [job for job in self._cluster.jobs(now) if self._is_it(job)]

    def find(self, jid: str, now: float) -> FlinkJob | None:
        """Return the run, if that is its id."""
        found = self._cluster.find(jid, now)
        return found if found is not None and self._is_it(found) else None

    def _is_it(self, job: FlinkJob) -> bool:
        return (job.run.name, job.run.run_id) == (self._run.name, self._run.run_id)
