"""Simulate Alibaba Cloud Realtime Compute `foas` 2018-11-11 (Blink): projects, jobs, instances.

The API pages say that GetInstance fails for a job that does not run, not with which code: the codes
of this product are made up, their statuses are not.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from starlette.applications import Starlette

from exporter.simulator.alibaba.access import Access
from exporter.simulator.alibaba.foas_instances import (
    BATCH,
    STREAM,
    BlinkProject,
    Body,
    is_reconciliation,
)
from exporter.simulator.alibaba.gateway import Call, Gateway, Operation
from exporter.simulator.alibaba.refusal import Refusal, invalid_parameter
from exporter.simulator.alibaba.tenancy import Tenancy
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import ACTIVE, Fleet, View

VERSION = "2018-11-11"
_PROJECT = "/api/v2/projects/{projectName}"
_INSTANCE = f"{_PROJECT}/jobs/{{jobName}}/instances/{{instanceId}}"
_CURRENT_INSTANCE = "-1"
_Row = TypeVar("_Row")


def build(
    *,
    fleet: Fleet,
    faults: FaultInjection,
    clock: Callable[[], float],
    access: Access,
    project: str = "project1",
    wrapped: bool = True,
    page_size_limit: int = 100,
    batch: Callable[[View], bool] = is_reconciliation,
    failed_streams_wait: bool = False,
    seed: int = 0,
    tenancy: Tenancy | None = None,
) -> Starlette:
    """Build the simulated product with one project.

    `wrapped` lists stand in an object of their own, `{"Instances": {"Instance": [...]}}`, as the
    gateway sends them; without it they are flat, as the vendor's Java SDK shows them.
    """

    def product(jobs: Fleet) -> _Foas:
        waiting = failed_streams_wait
        blink = BlinkProject(jobs, name=project, batch=batch, failed_streams_wait=waiting)
        return _Foas(blink, wrapped=wrapped, page_size_limit=page_size_limit)

    gateway = Gateway(
        product="foas",
        version=VERSION,
        operations=product(fleet).operations(),
        access=access,
        faults=faults,
        clock=clock,
        seed=seed,
        tenancy=tenancy,
        nothing=product(Fleet(seed=seed, started_at=0.0, jobs=0)).operations(),
    )
    return gateway.app()


class _Foas:
    def __init__(self, blink: BlinkProject, *, wrapped: bool, page_size_limit: int) -> None:
        self._blink = blink
        self._wrapped = wrapped
        self._page_size_limit = page_size_limit

    def operations(self) -> list[Operation]:
        return [
            Operation(action="ListProject", path="/api/v2/projects", answer=self._list_project),
            Operation(action="ListJob", path=f"{_PROJECT}/jobs", answer=self._list_job),
            Operation(
                action="ListInstance", path=f"{_PROJECT}/instances", answer=self._list_instance
            ),
            Operation(
                action="BatchGetInstanceRunSummary",
                path=f"{_PROJECT}/runsummary",
                answer=self._batch_get_run_summary,
            ),
            Operation(action="GetInstance", path=_INSTANCE, answer=self._get_instance),
            Operation(
                action="GetInstanceRunSummary",
                path=f"{_INSTANCE}/runsummary",
                answer=self._get_run_summary,
            ),
        ]

    def _list_project(self, call: Call) -> Body:
        name = self._blink.name
        project: Body = {"Id": "1", "Name": name, "State": "ENABLE", "DeployType": "CELL"}
        rows = [project] if call.query.get("name", name) == name else []
        return self._page(call, "Project", rows, dict)

    def _list_job(self, call: Call) -> Body:
        self._check_project(call)
        body = self._blink.job
        views = self._blink.views(call.now)
        chosen = _matching(views, body, call, jobName="JobName", jobType="JobType")
        return self._page(call, "Job", chosen, body)

    def _list_instance(self, call: Call) -> Body:
        self._check_project(call)
        job_type = _required_job_type(call)
        archived = call.query.get("isArchived", "false") == "true"
        views = self._blink.archived(call.now) if archived else self._blink.current(call.now)
        chosen = [view for view in views if self._blink.job_type(view) == job_type]
        body = self._blink.instance
        chosen = _matching(
            chosen,
            body,
            call,
            jobName="JobName",
            actualState="ActualState",
            expectState="ExpectState",
            apiType="ApiType",
        )
        for name, field in (("start", "StartTime"), ("end", "EndTime")):
            chosen = _within(chosen, body, call, name, field)
        return self._page(call, "Instance", chosen, body)

    def _batch_get_run_summary(self, call: Call) -> Body:
        self._check_project(call)
        names = call.required("jobNames").split(",")
        job_type = _required_job_type(call)
        # Whatever is unknown, not online or of the other type is left out without a word.
        rows = [
            self._blink.run_summary(view)
            for view in self._blink.current(call.now)
            if view.name in names and self._blink.job_type(view) == job_type
        ]
        return {"RequestId": call.request_id, "RunSummarys": self._list("RunSummary", rows)}

    def _get_instance(self, call: Call) -> Body:
        view = self._requested(call)
        if view.phase not in ACTIVE:
            raise Refusal(400, "InstanceNotRunning", f"The job {view.name} is not running.")
        scaling = '{"isOnOff":false,"strategyConfigure":null,"maxCU":null}'
        instance = {**self._blink.instance(view), "AutoScaleParams": scaling}
        return {"RequestId": call.request_id, "Instance": instance}

    def _get_run_summary(self, call: Call) -> Body:
        summary = self._blink.run_summary(self._requested(call))
        return {"RequestId": call.request_id, "RunSummary": summary}

    def _requested(self, call: Call) -> View:
        self._check_project(call)
        view = self._blink.named(call.path["jobName"], call.now)
        if view is None or not self._blink.online(view):
            raise Refusal(404, "JobNotExist", "The specified job does not exist.")
        instance_id = call.path["instanceId"]
        # -1 stands for the one instance of a streaming job; a batch job may have had many.
        stands_in = instance_id == _CURRENT_INSTANCE and self._blink.job_type(view) == STREAM
        if not stands_in and instance_id != str(view.run_id):
            raise Refusal(404, "InstanceNotExist", "The specified instance does not exist.")
        return view

    def _check_project(self, call: Call) -> None:
        if call.path["projectName"] != self._blink.name:
            raise Refusal(404, "ProjectNotExist", "The specified project does not exist.")

    def _page(
        self, call: Call, name: str, rows: Sequence[_Row], body: Callable[[_Row], Body]
    ) -> Body:
        index = call.integer("pageIndex", default=1)
        size = call.integer("pageSize", default=10, highest=self._page_size_limit)
        page = [body(row) for row in rows[(index - 1) * size : index * size]]
        return {
            "RequestId": call.request_id,
            "PageIndex": index,
            "PageSize": size,
            "TotalCount": len(rows),
            "TotalPage": -(-len(rows) // size),
            f"{name}s": self._list(name, page),
        }

    def _list(self, name: str, rows: list[Body]) -> object:
        return {name: rows} if self._wrapped else rows


def _required_job_type(call: Call) -> str:
    job_type = call.required("jobType")
    if job_type not in (STREAM, BATCH):
        raise invalid_parameter("jobType")
    return job_type


def _matching(
    views: list[View], body: Callable[[View], Body], call: Call, **filters: str
) -> list[View]:
    wanted = {field: call.query[name] for name, field in filters.items() if call.query.get(name)}
    if not wanted:
        return views
    return [view for view in views if wanted.items() <= body(view).items()]


def _within(
    views: list[View], body: Callable[[View], Body], call: Call, name: str, field: str
) -> list[View]:
    if not call.query.get(f"{name}BeginTs") and not call.query.get(f"{name}EndTs"):
        return views
    earliest = call.integer(f"{name}BeginTs", default=0, lowest=0)
    latest = call.integer(f"{name}EndTs", default=10**13, lowest=0)
    times = [(view, body(view).get(field)) for view in views]
    return [view for view, time in times if isinstance(time, int) and earliest <= time <= latest]
