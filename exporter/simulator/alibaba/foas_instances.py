"""What Blink calls a job and its instances, told from a fleet: states, times, fake secrets."""

from collections.abc import Callable
from hashlib import sha256

from exporter.simulator.apache_flink.runs import Runs
from exporter.simulator.fleet.fleet import ACTIVE, Fleet, Phase, View

STREAM = "FLINK_STREAM"
BATCH = "FLINK_BATCH"
NO_DELAY = -99999999
"""The delay of a job without one, as the vendor's example shows it."""

_CLUSTER = "rcmp9x37ztfb63g1x7lt0001"
_USER = "239960377092765296"
_ACTUAL_STATES = {
    Phase.DRAFT: "UNKNOWN",
    Phase.STARTING: "WAITING",
    Phase.RUNNING: "RUNNING",
    Phase.RESTARTING: "RUNNING",
    Phase.FAILED: "FAILED",
    Phase.STOPPING: "RUNNING",
    Phase.STOPPED: "TERMINATED",
    Phase.SUSPENDED: "PAUSED",
    Phase.FINISHED: "SUCCESS",
}
_EXPECT_STATES = {
    Phase.STOPPING: "TERMINATED",
    Phase.STOPPED: "TERMINATED",
    Phase.SUSPENDED: "PAUSED",
    Phase.FINISHED: "SUCCESS",
}
_CODE = """CREATE TABLE sink WITH (
  type = 'rds',
  url = 'jdbc:mysql://rm-1.mysql.rds.aliyuncs.com:3306/warehouse',
  userName = 'writer',
  password=hunter2-do-not-export
);"""
_PROPERTIES = """#启用项目参数
#enable.project.config=true
blink.job.timeZone=Asia/Shanghai
source.accessKey=hunter2-do-not-export"""

Body = dict[str, object]


class BlinkProject:
    """One Blink project over a fleet: at most one instance per job name that is not archived.

    `batch` tells which jobs are batch jobs. By the API page only those can be FAILED; with
    `failed_streams_wait` a failed stream is therefore WAITING and keeps its last error.
    """

    def __init__(
        self,
        fleet: Fleet,
        *,
        name: str,
        batch: Callable[[View], bool],
        failed_streams_wait: bool,
    ) -> None:
        self.name = name
        self._fleet = fleet
        self._runs = Runs(fleet)
        self._batch = batch
        self._failed_streams_wait = failed_streams_wait

    def views(self, now: float) -> list[View]:
        """Return the newest view of each job name, by name."""
        newest: dict[str, View] = {}
        for view in self._fleet.views(now):
            seen = newest.get(view.name)
            if seen is None or (seen.created_at, seen.number) < (view.created_at, view.number):
                newest[view.name] = view
        return [newest[name] for name in sorted(newest)]

    def online(self, view: View) -> bool:
        """Tell whether a job was put online; every other draft was, and never started."""
        return view.phase is not Phase.DRAFT or view.number % 2 == 0

    def current(self, now: float) -> list[View]:
        """Return what has an instance that is not archived, the latest instance first."""
        found = [view for view in self.views(now) if self.online(view)]
        return sorted(found, key=lambda view: view.run_id, reverse=True)

    def archived(self, now: float) -> list[View]:
        """Return the runs that a later start of the same job has archived, the latest first."""
        standing = {view.run_id for view in self.views(now)}
        runs = [run for view in self._fleet.views(now) for run in self._runs.of(view)]
        past = [run for run in runs if run.run_id not in standing]
        return sorted(past, key=lambda run: run.run_id, reverse=True)

    def named(self, job_name: str, now: float) -> View | None:
        """Return the view of one job; None when there is no such job."""
        return self._fleet.named(job_name, now)

    def job_type(self, view: View) -> str:
        """Return the vendor's word for stream or batch."""
        return BATCH if self._batch(view) else STREAM

    def job(self, view: View) -> Body:
        """Describe a job's definition, as ListJob does without its large fields."""
        return {
            "JobId": str(view.number),
            "JobName": view.name,
            "ProjectName": self.name,
            "JobType": self.job_type(view),
            "ApiType": api_type(view),
            "IsCommitted": self.online(view),
            "Creator": _USER,
            "CreateTime": _milliseconds(view.created_at),
            "Modifier": _USER,
            "ModifyTime": _milliseconds(view.created_at),
            "Description": view.title,
            "EngineVersion": "blink-3.4.4",
            "ClusterId": _CLUSTER,
            "QueueName": f"root.{self.name}",
            "FolderId": 1,
        }

    def run_summary(self, view: View) -> Body:
        """Describe the instance of a job in the eight fields of a run summary."""
        error = self._last_error(view)
        expected = {"ExpectState": self.expect_state(view)} if view.submitted_at else {}
        return {
            "Id": view.run_id,
            "JobName": view.name,
            "ActualState": self.actual_state(view),
            **expected,
            **error,
            **_engine_handler(view),
            **_input_delay(view),
        }

    def instance(self, view: View) -> Body:
        """Describe an instance in full, as ListInstance does."""
        times: Body = {}
        if view.submitted_at is not None:
            times["StartTime"] = _milliseconds(view.submitted_at)
            times["LastOperateTime"] = _milliseconds(view.submitted_at - 1)
        if view.ended_at is not None:
            times["EndTime"] = _milliseconds(view.ended_at)
        return {
            "ProjectName": self.name,
            "JobType": self.job_type(view),
            "ApiType": api_type(view),
            "Code": _CODE,
            "Properties": _PROPERTIES,
            "PlanJson": "",
            "Packages": "hbase_demo-1.0-snapshot-shaded.jar",
            "EngineVersion": "blink-3.4.4",
            "ClusterId": _CLUSTER,
            "QueueName": f"root.{self.name}",
            "Starter": _USER,
            "LastOperator": _USER,
            "Priority": 0,
            **times,
            **self.run_summary(view),
        }

    def actual_state(self, view: View) -> str:
        """Return the state a job is in."""
        stream = not self._batch(view)
        if view.phase is Phase.FAILED and stream and self._failed_streams_wait:
            return "WAITING"
        return _ACTUAL_STATES[view.phase]

    def expect_state(self, view: View) -> str:
        """Return the state its owner asked for."""
        if view.phase is Phase.FAILED and self._batch(view):
            return "SUCCESS"
        return _EXPECT_STATES.get(view.phase, "RUNNING")

    def _last_error(self, view: View) -> Body:
        if view.error is None or view.error_at is None:
            return {}
        return {
            "LastErrorTime": _milliseconds(view.error_at),
            "LastErrorMessage": f"{view.error.error_type}: {view.error.text}",
        }


def api_type(view: View) -> str:
    """Return SQL, or DATASTREAM for every fourth job."""
    return "DATASTREAM" if view.number % 4 == 0 else "SQL"


def is_reconciliation(view: View) -> bool:
    """Tell the one job of a fleet that reads a bounded input: the default batch job."""
    return view.name.endswith(("每日对账", "daily_reconciliation"))


def _engine_handler(view: View) -> Body:
    if view.started_at is None:
        return {}
    flink_job = sha256(str(view.run_id).encode()).hexdigest()[:32]
    application = f"application_{_milliseconds(view.created_at)}_{view.number:04}"
    return {"EngineJobHandler": f"{application}|{flink_job}"}


def _input_delay(view: View) -> Body:
    if view.phase not in ACTIVE or view.lag_seconds is None:
        return {}
    # Connectors of DataStream jobs report no event time.
    unknown = api_type(view) == "DATASTREAM"
    return {"InputDelay": NO_DELAY if unknown else _milliseconds(view.lag_seconds)}


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
