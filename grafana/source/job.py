"""Show one job, or a few side by side: what it is, what it was, and how well it does."""

from exporter.model import State
from grafana.source import huawei, throughput, variables
from grafana.source.addresses import console_link, runbook_links, with_console
from grafana.source.annotations import alerts, state_changes
from grafana.source.board import Band, dashboard, section
from grafana.source.palette import BAD, GOOD, LATE, NOTICE, PLAIN, YES_NO, Steps, state_codes, texts
from grafana.source.panels import (
    About,
    Json,
    curve,
    link,
    now_query,
    override,
    range_query,
    row_query,
    stat,
    state_timeline,
    table,
    timeseries,
)
from grafana.source.promql import IDENTITY, JOB, LEGEND, NAMED, in_state, jobs, state_code

UID = "streaming-job"
_NODE = f"{NAMED}, node, node_type"
_COUNTED: Steps = ((None, GOOD), (1, NOTICE), (5, BAD))
_CHECKPOINT_OLD: Steps = ((None, GOOD), (900, NOTICE), (1800, BAD))


def build() -> Json:
    """Return the dashboard of one job."""
    return dashboard(
        uid=UID,
        title="Streaming jobs / One job",
        description="One streaming job: its states, restarts, input delay, checkpoints, tasks, "
        "nodes and last error.",
        variables=[
            variables.datasource(),
            variables.platform(),
            variables.source(),
            variables.project(),
            variables.one_job(),
            variables.status_page(),
            variables.flink(),
            variables.cluster(),
            variables.namespace(),
            variables.job(hidden=True),
            variables.instance(hidden=True),
        ],
        bands=[
            *_now(),
            *_states(),
            *_running(),
            *_flink(),
            *_nodes(),
            *throughput.bands(),
            *huawei.bands(),
        ],
        annotations=[alerts(of_jobs=True), state_changes()],
    )


def _tile(
    title: str, description: str, nothing: str, expr: str, *, unit: str = "s", steps: Steps
) -> Json:
    about = About(title=title, description=description, nothing=nothing, unit=unit, steps=steps)
    return stat(about, now_query(expr, LEGEND))


def _now() -> list[Band]:
    state = About(
        title="State",
        description="The state of the job now, in one vocabulary for all platforms.",
        nothing="Not known",
        mappings=state_codes(),
    )
    tiles = [
        stat(state, now_query(state_code(by=NAMED), LEGEND), filled=True),
        _tile(
            "In this state for",
            "Time since the state began: by the platform's clock, else since it was first seen.",
            "Not known",
            f"time() - {jobs('streaming_job_state_since_timestamp_seconds', by=NAMED)}",
            steps=((None, PLAIN),),
        ),
        _tile(
            "Uptime since start",
            "How long ago the present run of a running job started.",
            "Does not run",
            f"time() - max by ({NAMED}) (\n"
            f"  {jobs('streaming_job_start_timestamp_seconds')}\n"
            f"  and on ({IDENTITY}) {in_state(State.RUNNING)}\n)",
            steps=((None, NOTICE), (600, GOOD)),
        ),
        _tile(
            "Restarts of this run",
            "Restarts since the run started; begins again with each run.",
            "Not told by the platform",
            jobs("streaming_job_restart_times", by=NAMED),
            unit="short",
            steps=_COUNTED,
        ),
        _tile(
            "Input delay",
            "How far the job is behind its input.",
            "Not told by the platform",
            jobs("streaming_job_input_delay_seconds", by=NAMED),
            steps=LATE,
        ),
        _tile(
            "Last checkpoint",
            "How long ago the last completed checkpoint was acknowledged.",
            "None completed",
            "time() - "
            + jobs("streaming_job_last_checkpoint_completed_timestamp_seconds", by=NAMED),
            steps=_CHECKPOINT_OLD,
        ),
    ]
    return [(4, [(tile, 4) for tile in tiles]), (5, [(_facts(), 24)])]


def _facts() -> Json:
    labels = (
        *("native_status", "graph_state", "expected_state", "job_type"),
        *("run_mode", "queue", "engine_version", "run_id"),
    )
    names = {
        "source": "Source",
        "platform": "Platform",
        "project": "Project",
        "job_name": "Job",
        "job_id": "Id",
        "native_status": "Platform's word",
        "graph_state": "State of the plan",
        "expected_state": "Expected state",
        "job_type": "Kind",
        "run_mode": "Mode",
        "queue": "Queue",
        "engine_version": "Engine",
        "run_id": "Run",
    }
    about = About(
        title="Facts",
        description="What the platform says of the job, in its own words.",
        nothing="No job is known",
        overrides=[
            *(override(label, displayName=name) for label, name in names.items()),
            override("console", displayName="Console", noValue="–", links=[console_link()]),
        ],
    )
    info = jobs("streaming_job_info", by=f"{IDENTITY}, {', '.join(labels)}")
    return table(
        about,
        row_query(with_console(info)),
        columns=(*("job_name", "source", "platform", "project"), *labels, "job_id", "console"),
        hidden=("Value",),
    )


def _states() -> list[Band]:
    history = About(
        title="State history",
        description="The state of the job over time, coloured as on the status page.",
        nothing="No job is known",
        mappings=state_codes(),
    )
    timeline = state_timeline(history, range_query(state_code(by=NAMED), LEGEND))
    return section("States", (7, [(timeline, 24)]), (8, [(_native(), 12), (_expected(), 12)]))


def _native() -> Json:
    about = About(
        title="Native states",
        description="The platform's own words over time: the status of the job and, where there "
        "is one, the state of its execution plan.",
        nothing="No job is known",
        mappings=texts({1: ("said", PLAIN)}),
    )
    words = jobs("streaming_job_info", by=f"{NAMED}, native_status, graph_state")
    return state_timeline(
        about, range_query(words, f"{LEGEND}: {{{{native_status}}}} {{{{graph_state}}}}")
    )


def _expected() -> Json:
    about = About(
        title="Expected against actual",
        description="Whether the job should run, and whether it does. Only jobs of which something "
        "is expected are shown.",
        nothing="Nothing is expected of the selected jobs",
        mappings=YES_NO,
    )
    should = jobs("streaming_job_expected_running", by=NAMED)
    runs = jobs("streaming_job_state", 'state="running"', by=NAMED)
    return state_timeline(
        about,
        range_query(should, f"{LEGEND}: should run"),
        range_query(f"{runs} and on ({NAMED}) {should}", f"{LEGEND}: runs"),
    )


def _running() -> list[Band]:
    duration = curve(
        "Duration of the run",
        "How long the present or last run has lasted; it falls when a new run starts and stands "
        "still when the job has ended.",
        "Not told by the platform",
        jobs("streaming_job_duration_seconds", by=NAMED),
        LEGEND,
        unit="s",
    )
    delay = curve(
        "Input delay over time",
        "How far the job is behind its input.",
        "Not told by the platform",
        jobs("streaming_job_input_delay_seconds", by=NAMED),
        LEGEND,
        unit="s",
        steps=LATE,
    )
    return section(
        "Restarts, duration and delay",
        (8, [(_restarts(), 8), (duration, 8), (delay, 8)]),
        (7, [(_last_error(), 16), (_size(), 8)]),
    )


def _restarts() -> Json:
    about = About(
        title="Restarts over time",
        description="Restarts within a run, and new runs: a new start time.",
        nothing="Not told by the platform",
        steps=_COUNTED,
    )
    counted = f"increase(streaming_job_restart_times{{{JOB}}}[$__rate_interval])"
    started = f"changes(streaming_job_start_timestamp_seconds{{{JOB}}}[$__rate_interval])"
    return timeseries(
        about,
        range_query(f"max by ({NAMED}) ({counted})", f"{LEGEND}: restarts"),
        range_query(f"max by ({NAMED}) ({started})", f"{LEGEND}: new runs"),
        bars=True,
    )


def _last_error() -> Json:
    told = "${status_page}/?q=${__data.fields.job_name:percentencode}"
    runbook = runbook_links("StreamingJobFailed")
    about = About(
        title="Last error",
        description="Code and class of the last error and when it happened. Its text is never in "
        "Prometheus: a job leads to the status page of the exporter, which has it.",
        nothing="No error is known",
        overrides=[
            override(
                "job_name", displayName="Job", links=[link("Full text", told, elsewhere=True)]
            ),
            override("source", displayName="Source"),
            override("error_id", displayName="Code", noValue="–", links=runbook),
            override("error_type", displayName="Class", noValue="–", links=runbook),
            override("Value #B", displayName="When", unit="dateTimeFromNow", noValue="–"),
        ],
    )
    error = jobs("streaming_job_error_info", by=f"{NAMED}, error_id, error_type")
    when = jobs("streaming_job_last_error_timestamp_seconds", by=NAMED)
    return table(
        about,
        row_query(error),
        row_query(f"1000 * {when}"),
        columns=("job_name", "source", "error_type", "error_id", "Value #B"),
        hidden=("project", "Value #A"),
    )


def _size() -> Json:
    about = About(
        title="Size",
        description="Parallelism of the job, compute units it uses, and Ververica's health score "
        "from 0 to 100, of which less than 60 is serious.",
        nothing="Not told by the platform",
        steps=((None, PLAIN),),
    )
    return timeseries(
        about,
        range_query(jobs("streaming_job_parallelism", by=NAMED), f"{LEGEND}: parallelism"),
        range_query(jobs("streaming_job_compute_units", by=NAMED), f"{LEGEND}: compute units"),
        range_query(jobs("streaming_job_health_score", by=NAMED), f"{LEGEND}: health score"),
    )


def _flink() -> list[Band]:
    completed = "streaming_job_last_checkpoint_completed_timestamp_seconds"
    tasks = jobs("streaming_job_tasks", by=f"{IDENTITY}, task_state")
    nothing = "No checkpoint is known"
    checkpoints = [
        curve(
            "Age of the last checkpoint",
            "How long ago the last completed checkpoint was acknowledged. A restart repeats the "
            "work since.",
            nothing,
            f"time() - {jobs(completed, by=NAMED)}",
            LEGEND,
            unit="s",
            steps=_CHECKPOINT_OLD,
        ),
        curve(
            "Duration of the last checkpoint",
            "How long the last completed checkpoint took from end to end.",
            nothing,
            jobs("streaming_job_last_checkpoint_duration_seconds", by=NAMED),
            LEGEND,
            unit="s",
        ),
        curve(
            "Size of the last checkpoint",
            "Size of the state in the last completed checkpoint.",
            nothing,
            jobs("streaming_job_last_checkpoint_size_bytes", by=NAMED),
            LEGEND,
            unit="bytes",
        ),
        curve(
            "Failed checkpoints",
            "Checkpoints of the present run that failed.",
            nothing,
            jobs("streaming_job_checkpoints_failed", by=NAMED),
            LEGEND,
            unit="short",
            steps=_COUNTED,
        ),
    ]
    states = curve(
        "Tasks",
        "Tasks of the job in each state.",
        "Not told by the platform",
        f"sum by (task_state) ({tasks})",
        "{{task_state}}",
        unit="short",
        stacked=True,
    )
    return section(
        "Checkpoints and tasks",
        (8, [(panel, 6) for panel in checkpoints]),
        (8, [(states, 24)]),
    )


def _nodes() -> list[Band]:
    about = About(
        title="Nodes",
        description="The state of each node of a DataArts job. The job can run while a node has "
        "failed.",
        nothing="The selected jobs have no nodes",
        mappings=state_codes(),
    )
    states = state_code("streaming_job_node_state", by=_NODE)
    timeline = state_timeline(about, range_query(states, "{{job_name}} / {{node}}"))
    return section("Nodes", (8, [(timeline, 14), (_native_nodes(), 10)]))


def _native_nodes() -> Json:
    about = About(
        title="Native states of the nodes",
        description="The platform's own word for the state of each node, and the DLI job that it "
        "runs.",
        nothing="The selected jobs have no nodes",
        overrides=[
            override("job_name", displayName="Job"),
            override("node", displayName="Node"),
            override("node_type", displayName="Kind", noValue="–"),
            override("native_status", displayName="Platform's word", noValue="–"),
            override("run_id", displayName="DLI job", noValue="–"),
        ],
    )
    info = jobs("streaming_job_node_info", by=f"{_NODE}, native_status, run_id")
    return table(
        about,
        row_query(info),
        columns=("job_name", "node", "node_type", "native_status", "run_id"),
        hidden=("source", "project", "Value"),
    )
