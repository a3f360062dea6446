"""Simulate Realtime Compute for Apache Flink, `ververica` 2022-07-18: deployments and their jobs.

Failures of the product come with HTTP 200 and `success: false`; only the gateway uses statuses.
Its codes are numbers: 990301 says of anything that it does not exist, as an example in the vendor's
SDKs has it. The documentation lists no other code: what else is here is made up.
"""

from collections.abc import Callable
from typing import TypeVar

from starlette.applications import Starlette

from exporter.simulator.alibaba.access import Access
from exporter.simulator.alibaba.flink_proxy import ProxiedFlink
from exporter.simulator.alibaba.gateway import Call, Gateway, Operation
from exporter.simulator.alibaba.refusal import Refusal, missing_parameter
from exporter.simulator.alibaba.tenancy import Tenancy
from exporter.simulator.alibaba.ververica_bodies import (
    Body,
    deployment_body,
    execution_mode,
    job_body,
    job_status,
)
from exporter.simulator.alibaba.ververica_deployments import Deployment, Inventory, Workspace
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet, View

_Row = TypeVar("_Row")

VERSION = "2022-07-18"
PAGE_SIZE_LIMIT = 100
_NAMESPACE = "/api/v2/namespaces/{namespace}"
_TRANSITIONING = frozenset({"STARTING", "CANCELLING"})
_MISSING = "990301"
_FILTERS = frozenset({"CANCELLED", "FAILED", "RUNNING", "TRANSITIONING", "FINISHED"})


def build(
    *,
    fleet: Fleet,
    faults: FaultInjection,
    clock: Callable[[], float],
    access: Access,
    workspace: str = "a14bd5d90a0001",
    namespace: str = "default",
    seed: int = 0,
    tenancy: Tenancy | None = None,
) -> Starlette:
    """Build the simulated product with one workspace and one namespace in it."""

    def product(jobs: Fleet) -> _Ververica:
        flink = ProxiedFlink(jobs)
        return _Ververica(Workspace(jobs), flink, workspace=workspace, namespace=namespace)

    gateway = Gateway(
        product="ververica",
        version=VERSION,
        operations=product(fleet).operations(),
        access=access,
        faults=faults,
        clock=clock,
        seed=seed,
        xml=False,
        tenancy=tenancy,
        nothing=product(Fleet(seed=seed, started_at=0.0, jobs=0)).operations(),
    )
    return gateway.app()


class _Failure(Exception):
    """A failure of the product, not of the gateway."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


class _Ververica:
    def __init__(
        self, inventories: Workspace, flink: ProxiedFlink, *, workspace: str, namespace: str
    ) -> None:
        self._inventories = inventories
        self._flink = flink
        self._workspace = workspace
        self._namespace = namespace

    def operations(self) -> list[Operation]:
        answers = {
            "ListDeployments": ("deployments", self._list_deployments),
            "GetDeployment": ("deployments/{deploymentId}", self._get_deployment),
            "ListJobs": ("jobs", self._list_jobs),
            "GetJob": ("jobs/{jobId}", self._get_job),
        }
        proxy = Operation(
            action="FlinkApiProxy",
            path="/flink-ui/v2/proxy",
            answer=self._enveloped(self._flink_api_proxy, lambda call: call.required("namespace")),
        )
        return [
            proxy,
            *(
                Operation(
                    action=action, path=f"{_NAMESPACE}/{path}", answer=self._enveloped(answer)
                )
                for action, (path, answer) in answers.items()
            ),
        ]

    def _enveloped(
        self,
        answer: Callable[[Call, Inventory], Body],
        namespace: Callable[[Call], str] = lambda call: call.path["namespace"],
    ) -> Callable[[Call], Body]:
        def enveloped(call: Call) -> Body:
            try:
                self._check_place(call, namespace(call))
                content = answer(call, self._inventories.inventory(call.now))
            except _Failure as failure:
                failed = {"errorCode": failure.code, "errorMessage": failure.message}
                return {**_envelope(call, success=False), **failed}
            return {**_envelope(call, success=True), **content}

        return enveloped

    def _check_place(self, call: Call, namespace: str) -> None:
        workspace = call.headers.get("workspace")
        if not workspace:
            raise missing_parameter("workspace")
        if workspace != self._workspace:
            raise _Failure(_MISSING, "The specified workspace does not exist.")
        if namespace != self._namespace:
            raise _Failure(_MISSING, "The specified namespace does not exist.")

    def _list_deployments(self, call: Call, inventory: Inventory) -> Body:
        chosen = [row for row in inventory.deployments if _is_chosen(row, call)]
        return _page(call, chosen, self._deployment)

    def _get_deployment(self, call: Call, inventory: Inventory) -> Body:
        return {"data": self._deployment(_find(inventory, call.path["deploymentId"]))}

    def _list_jobs(self, call: Call, inventory: Inventory) -> Body:
        deployment = _find(inventory, call.required("deploymentId"))
        jobs = list(deployment.jobs) if _newest_first(call) else list(reversed(deployment.jobs))
        return _page(call, jobs, lambda run: self._job(deployment, run))

    def _get_job(self, call: Call, inventory: Inventory) -> Body:
        found = inventory.by_job_id.get(call.path["jobId"])
        if found is None:
            raise _Failure(_MISSING, "The specified job does not exist.")
        return {"data": self._job(*found)}

    def _flink_api_proxy(self, call: Call, inventory: Inventory) -> Body:
        """Pass a question on to the Flink of a run, or of a session cluster: there is none here."""
        path = call.required("flinkApiPath")
        if call.required("resourceType") not in ("jobs", "sessionclusters"):
            raise _Failure("INVALID_PARAMETER", "The value of resourceType is not valid.")
        found = inventory.by_job_id.get(call.required("resourceId"))
        if found is None or job_status(found[1]) != "RUNNING":
            raise _Failure(_MISSING, "The specified job does not exist.")
        return {"data": self._flink.answer(path, found[1], call.now)}

    def _deployment(self, deployment: Deployment) -> Body:
        return deployment_body(deployment, namespace=self._namespace, workspace=self._workspace)

    def _job(self, deployment: Deployment, run: View) -> Body:
        return job_body(deployment, run, namespace=self._namespace, workspace=self._workspace)


def _envelope(call: Call, *, success: bool) -> Body:
    # A sample in the documentation shows an empty code as two quote characters.
    quoted = int(call.request_id[-1], 16) % 2 == 1
    return {
        "requestId": call.request_id,
        "success": success,
        "httpCode": 200,
        "errorCode": '""' if quoted else "",
        "errorMessage": '""' if quoted else "",
    }


def _find(inventory: Inventory, deployment_id: str) -> Deployment:
    deployment = inventory.by_id.get(deployment_id)
    if deployment is None:
        raise _Failure(_MISSING, "The specified deployment does not exist.")
    return deployment


def _newest_first(call: Call) -> bool:
    """Say whether the latest run comes first: no default is stated, so only who asks for it."""
    name, order = call.query.get("sortName", ""), call.query.get("sortOrder", "").upper()
    if name not in ("", "gmt_create") or order not in ("", "ASC", "DESC"):
        raise _Failure("INVALID_PARAMETER", "The value of sortName or sortOrder is not valid.")
    return name != "" and order == "DESC"


def _is_chosen(deployment: Deployment, call: Call) -> bool:
    if call.query.get("name", "") not in deployment.view.name:
        return False
    mode = call.query.get("executionMode", "")
    if mode and mode != execution_mode(deployment.view):
        return False
    status = call.query.get("status", "")
    if not status:
        return True
    if status not in _FILTERS:
        raise _Failure("INVALID_PARAMETER", "The value of status is not valid.")
    return status == _filter_status(deployment)


def _filter_status(deployment: Deployment) -> str | None:
    if deployment.latest is None:
        return None
    status = job_status(deployment.latest)
    return "TRANSITIONING" if status in _TRANSITIONING else status


def _page(call: Call, rows: list[_Row], body: Callable[[_Row], Body]) -> Body:
    try:
        index = call.integer("pageIndex", default=1)
        size = call.integer("pageSize", default=10, highest=PAGE_SIZE_LIMIT)
    except Refusal as refusal:
        raise _Failure("INVALID_PARAMETER", refusal.message) from None
    return {
        "data": [body(row) for row in rows[(index - 1) * size : index * size]],
        "pageIndex": index,
        "pageSize": size,
        "totalSize": len(rows),
    }
