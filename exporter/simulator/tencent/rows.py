"""What Oceanus tells of a simulated job: JobV1, and the events of its failures."""

from datetime import UTC, datetime, timedelta, timezone

from exporter.simulator.fleet.fleet import Phase, View
from exporter.simulator.tencent.refusal import JsonObject

CLUSTER_ID, CLUSTER_NAME = "cluster-8e3t1xw9", "streams"
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
_STATUS = {
    Phase.DRAFT: 2,
    Phase.STARTING: 3,
    Phase.RUNNING: 4,
    # The platform does not know that Flink restarts.
    Phase.RESTARTING: 4,
    Phase.FAILED: -1,
    Phase.STOPPING: 3,
    Phase.STOPPED: 5,
    Phase.SUSPENDED: 6,
    # A batch job that is done has no number of its own.
    Phase.FINISHED: 5,
}
_OPERATIONS = {Phase.STARTING: "启动中", Phase.STOPPING: "停止中"}
_ENDED = frozenset({Phase.FAILED, Phase.STOPPED, Phase.SUSPENDED, Phase.FINISHED})
_RUNS = frozenset({Phase.RUNNING, Phase.RESTARTING})


def job_id(number: int) -> str:
    """Return the id of a job: a word of eight letters and digits."""
    text = ""
    for _ in range(8):
        number, rest = divmod(number, 36)
        text = _ALPHABET[rest] + text
    return f"cql-{text}"


def job_number(text: str) -> int | None:
    """Return the number of an id; None when it is none."""
    digits = text.removeprefix("cql-")
    if len(digits) != 8 or not set(digits) <= set(_ALPHABET):
        return None
    return int(digits, 36)


def job_row(
    view: View, *, now: float, workspace: str, region: str, offset_hours: int
) -> JsonObject:
    """Return a job as DescribeJobs tells it; times are of a zone that is not told."""

    def clock(moment: float | None) -> str:
        if moment is None:
            return "0000-00-00 00:00:00"
        zone = timezone(timedelta(hours=offset_hours))
        return f"{datetime.fromtimestamp(int(moment), zone):%Y-%m-%d %H:%M:%S}"

    begun = view.started_at or view.submitted_at
    runs = view.phase in _RUNS
    run_millis = int((now - int(begun)) * 1000) if runs and begun is not None else 0
    # A job that runs has a StopTime, too: of the moment in which its operation was over.
    stop = view.ended_at if view.phase in _ENDED else view.changed_at + 22
    drafted = view.phase is Phase.DRAFT
    return {
        "JobId": job_id(view.number),
        "Name": view.name,
        "Region": region,
        "Zone": f"{region}-3",
        "AppId": 1257058945,
        "OwnerUin": "100006386216",
        "CreatorUin": "100006386216",
        "JobType": 1 + view.number % 2,
        "Status": _STATUS[view.phase],
        "StatusDesc": "running" if runs else "",
        "ProgressDesc": _progress(view),
        "LastOpResult": _last_result(view),
        "CurrentRunMillis": run_millis,
        "TotalRunMillis": run_millis,
        "RestartCount": view.restarts,
        "HealthScore": 0 if drafted else 100 - min(view.restarts, 60),
        "LastDiagnoseTime": ""
        if drafted
        else f"{datetime.fromtimestamp(int(now), UTC):%Y-%m-%dT%H:%M:%SZ}",
        "CreateTime": clock(view.created_at),
        "StartTime": clock(begun),
        "StopTime": clock(None if drafted else stop),
        "UpdateTime": clock(view.changed_at),
        "RunningCu": float(view.parallelism) if runs or view.phase is Phase.STOPPING else 0.0,
        "RunningCuNum": view.parallelism if runs else 0,
        "CuMem": 4,
        "FlinkVersion": "Flink-1.16",
        "ClusterId": CLUSTER_ID,
        "ClusterName": CLUSTER_NAME,
        "ClusterStatus": 2,
        "SchedulerType": 0,
        "WorkSpaceId": workspace,
        "WorkSpaceName": "default",
        "PublishedJobConfigVersion": -1 if drafted else 1,
        "WebUIUrl": f"https://flink-ui.example/{job_id(view.number)}?token=webui-{view.number}-secret",
        "Tags": None,
        "EventInfo": None,
        "Remark": None,
    }


def events_of(view: View) -> list[JsonObject]:
    """Return the failures of a job as DescribeJobEvents tells them."""
    if view.error is None or view.error_at is None:
        return []
    message = (
        f"作业从 RUNNING 转为 RESTARTING, 异常信息: {view.error.error_type}: {view.error.text}"
    )
    return [
        {
            "Type": "21",
            "Description": "作业失败",
            "Message": message,
            "Timestamp": int(view.error_at),
            "RunningOrderId": view.run,
            "CauseAnalysis": "",
            "Solution": "",
            "SolutionLink": "",
        }
    ]


def _progress(view: View) -> str:
    # Of some it is told only that something is going on.
    return _OPERATIONS.get(view.phase, "") if view.number % 2 else "操作中"


def _last_result(view: View) -> str:
    if view.phase is not Phase.FAILED or view.error is None:
        return "success" if view.number % 2 else ""
    # Of some only the events tell.
    return f"{view.error.error_type}: {view.error.text}" if view.number % 2 else ""
