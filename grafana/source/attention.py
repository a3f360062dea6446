"""Find the jobs that need attention, worst first, by the rules of the status page."""

from exporter.model import CHANGING_STATES, State
from exporter.pages.attention import LATE_AFTER, STUCK_AFTER
from grafana.source.palette import BAD, NOTICE, texts
from grafana.source.promql import IDENTITY, JOB, in_state, jobs

RUNBOOKS = "https://git.example/streaming-job-exporter/blob/main/docs/runbooks/"
PLATFORMS = "git.example/streaming-job-exporter/blob/main/docs/platforms.md"

CONSOLES = {
    "huawei_dli": "console.huaweicloud.com/dli",
    "huawei_dataarts": "console.huaweicloud.com/dayu",
    "alibaba_blink": "stream.console.aliyun.com",
    "alibaba_flink": "realtime-compute.console.aliyun.com",
}
"""Where people manage the jobs of each platform. Nobody but its users knows where the web page of
a Flink cluster is, and edge jobs have none."""

_AT_REST = (
    *(State.CREATED, State.STOPPED, State.SUSPENDED, State.FINISHED),
    State.UNKNOWN,
)
_CHANGING = tuple(sorted(CHANGING_STATES))


def _expected() -> str:
    should = jobs("streaming_job_expected_running", test="== 1")
    return f"{in_state(*_AT_REST)}\n    and on ({IDENTITY}) {should}"


def _stuck() -> str:
    since = jobs("streaming_job_state_since_timestamp_seconds")
    return f"{in_state(*_CHANGING)}\n    and on ({IDENTITY}) (time() - {since} > {STUCK_AFTER:.0f})"


def _in_arrears() -> str:
    info = jobs("streaming_job_info", 'native_status=~"(?i).*arrear.*"')
    return f"{in_state(State.SUSPENDED)}\n    and on ({IDENTITY}) {info}"


_REASONS = (
    ("failed", BAD, in_state(State.FAILED), "StreamingJobFailed"),
    ("should run", BAD, _expected(), "StreamingJobNotRunning"),
    ("restarting", NOTICE, in_state(State.RESTARTING), "StreamingJobCrashLoop"),
    (
        *("node failed", BAD),
        jobs("streaming_job_node_state", 'state="failed"', test="== 1"),
        "StreamingJobNodeFailed",
    ),
    ("stuck", NOTICE, _stuck(), "StreamingJobStuck"),
    ("unknown state", NOTICE, in_state(State.UNKNOWN), "StreamingSourceUnknownState"),
    ("in arrears", NOTICE, _in_arrears(), "StreamingJobInArrears"),
    (
        *("no longer reports", NOTICE),
        jobs("streaming_edge_job_stale", test="== 1"),
        "StreamingEdgeJobSilent",
    ),
    (
        *("behind its input", NOTICE),
        jobs("streaming_job_input_delay_seconds", test=f">= bool {LATE_AFTER:.0f}") + " == 1",
        "StreamingJobInputDelayHigh",
    ),
)
"""Why a job needs attention: in words, how bad, which jobs, and which page says what to do."""

RUNBOOK_NAMES = tuple(name for *_, name in _REASONS)
WHY = texts(
    {len(_REASONS) - index: (text, colour) for index, (text, colour, *_) in enumerate(_REASONS)}
)


def needing_attention() -> str:
    """Return each job that needs attention once, with the weight of its worst reason."""
    found = [
        f"  label_replace({len(_REASONS) - index} * (\n    {which}\n  ),"
        f' "runbook", "{runbook}", "", "")'
        for index, (_, _, which, runbook) in enumerate(_REASONS)
    ]
    return f"\n  or on ({IDENTITY})\n".join(found)


def with_console(found: str) -> str:
    """Add a label that says where the console of the job's platform is."""
    for platform, console in (("", PLATFORMS), *CONSOLES.items()):
        pattern = platform or ".*"
        found = f'label_replace({found}, "console", "{console}", "platform", "{pattern}")'
    return found


def only_these(expr: str) -> str:
    """Keep only the jobs that need attention."""
    return f"{expr}\nand on ({IDENTITY}) (\n{needing_attention()}\n)"


def restarts_within_range() -> str:
    """Return how often each selected job has restarted in the time shown."""
    return f"max by ({IDENTITY}) (increase(streaming_job_restart_times{{{JOB}}}[$__range]))"
