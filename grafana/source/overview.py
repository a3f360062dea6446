"""Show all jobs: how many are in which state, which need attention, what happened, what is slow."""

from exporter.model import State
from exporter.pages.colours import LOOKS
from grafana.source import variables
from grafana.source.annotations import alerts, state_changes
from grafana.source.attention import (
    RUNBOOKS,
    WHY,
    needing_attention,
    problem_began,
    restarts_within_range,
    with_console,
)
from grafana.source.board import Band, dashboard, section
from grafana.source.palette import BAD, GOOD, LATE, NOTICE, PLAIN, UP_DOWN, state_codes, thresholds
from grafana.source.panels import (
    About,
    Json,
    bar_gauge,
    coloured_cell,
    coloured_text,
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
from grafana.source.promql import (
    IDENTITY,
    JOB,
    LEGEND,
    NAMED,
    SOURCE,
    WATCHED,
    age,
    count_or_zero,
    in_state,
    jobs,
    state_code,
    within_range,
)

UID = "streaming-overview"
_KEPT = "${__url_time_range}&var-datasource=${datasource}"
_OF = "source, platform"
_WORST = ((None, GOOD), (1, BAD))
_OLD = ((None, GOOD), (300, NOTICE), (900, BAD))


def job_link(title: str = "This job") -> Json:
    """Lead from a row of a table to the dashboard of its job."""
    chosen = (
        "var-source=${__data.fields.source:percentencode}"
        "&var-job_name=${__data.fields.job_name:percentencode}"
    )
    return link(title, f"/d/streaming-job?{chosen}&{_KEPT}")


def build() -> Json:
    """Return the dashboard of all jobs."""
    return dashboard(
        uid=UID,
        title="Streaming jobs / Overview",
        description="All streaming jobs: their states now and over time, and what needs attention.",
        variables=[
            variables.datasource(),
            variables.platform(),
            variables.source(),
            variables.project(),
            variables.job_name(),
            variables.job(hidden=True),
            variables.instance(hidden=True),
        ],
        bands=[*_now(), *_history(), *_sources()],
        annotations=[alerts(of_jobs=True), state_changes(shown=False)],
    )


def _now() -> list[Band]:
    tiles = [_need_attention(), _absent(), _sources_down(), _oldest(), _restarted(), _latest()]
    return [
        (4, [(_states(), 24)]),
        (4, [(tile, 4) for tile in tiles]),
        (10, [(_attention(), 24)]),
    ]


def _states() -> Json:
    counts = {state.value: jobs("streaming_job_state", f'state="{state.value}"') for state in LOOKS}
    queries = [now_query(f"sum({which})", state) for state, which in counts.items()]
    about = About(
        title="Jobs in each state",
        description="How many of the selected jobs are in each state now.",
        nothing="No job is known: is the exporter scraped?",
        overrides=[
            override(
                state.value,
                thresholds=thresholds(((None, "transparent"), (1, look.colour))),
            )
            for state, look in LOOKS.items()
        ],
    )
    return stat(about, *queries, filled=True, names=True)


def _need_attention() -> Json:
    about = About(
        title="Need attention",
        description="Jobs that have failed, do not run though they should, keep restarting, are "
        "stuck, are behind their input or no longer report.",
        nothing="No job is known",
        steps=_WORST,
    )
    found = count_or_zero(needing_attention(), jobs("streaming_job_state"))
    return stat(about, now_query(found, "jobs"), filled=True)


def _absent() -> Json:
    about = About(
        title="Absent",
        description="Entries of the lists of expected jobs that no job matches.",
        nothing="No source is known",
        steps=_WORST,
    )
    found = count_or_zero(
        f"max by (source, expect) (streaming_job_absent{{{SOURCE}}} == 1)",
        f"streaming_source_info{{{SOURCE}}}",
    )
    return stat(about, now_query(found, "entries"), filled=True)


def _sources_down() -> Json:
    about = About(
        title="Sources down",
        description="Sources whose last poll failed; what is shown of their jobs is older.",
        nothing="No source has been polled",
        steps=_WORST,
    )
    up = f"max by ({_OF}) (streaming_source_up{{{WATCHED}}})"
    return stat(about, now_query(count_or_zero(f"{up} == 0", up), "sources"), filled=True)


def _oldest() -> Json:
    about = About(
        title="Oldest data",
        description="How long ago the source that was polled least recently was polled well.",
        nothing="No source has been polled",
        unit="s",
        steps=_OLD,
    )
    oldest = age("streaming_source_last_success_timestamp_seconds", WATCHED, _OF)
    return stat(about, now_query(f"max({oldest})", "age"))


def _restarted() -> Json:
    about = About(
        title="Restarts",
        description="Restarts of the selected jobs in the time shown.",
        nothing="No job counts its restarts",
        decimals=0,
        steps=((None, GOOD), (1, NOTICE), (10, BAD)),
    )
    return stat(about, now_query(f"sum({restarts_within_range()})", "restarts"))


def _latest() -> Json:
    about = About(
        title="Largest input delay",
        description="How far the slowest of the selected jobs is behind its input.",
        nothing="No job tells its delay",
        unit="s",
        steps=LATE,
    )
    return stat(about, now_query(f"max({jobs('streaming_job_input_delay_seconds')})", "delay"))


def _attention() -> Json:
    runbook = link("What to do", f"{RUNBOOKS}${{__data.fields.runbook}}.md", elsewhere=True)
    console = link("Console of the platform", "https://${__data.fields.console}", elsewhere=True)
    nothing = "–"
    about = About(
        title="Jobs that need attention",
        description="The worst first. A job leads to its dashboard, the console to the pages of "
        "its platform, the runbook to what to do.",
        nothing="No job needs attention.",
        overrides=[
            override("job_name", displayName="Job", links=[job_link()], custom__width=260),
            override(
                "Value #A",
                displayName="Why",
                mappings=WHY,
                custom__cellOptions=coloured_cell(),
                custom__width=150,
            ),
            override("Value #B", displayName="For", unit="s", custom__width=110),
            override("source", displayName="Source"),
            override("platform", displayName="Platform"),
            override("project", displayName="Project", noValue=nothing),
            override("console", displayName="Console", links=[console]),
            override("runbook", displayName="Runbook", links=[runbook]),
        ],
    )
    return table(
        about,
        row_query(with_console(needing_attention())),
        row_query(f"time() - {problem_began()}"),
        columns=(
            *("job_name", "Value #A", "Value #B"),
            *("source", "platform", "project", "runbook", "console"),
        ),
        hidden=("job_id",),
        worst_first="Value #A",
    )


def _history() -> list[Band]:
    about = About(
        title="States over time",
        description="The state of each selected job, coloured as on the status page. With many "
        "jobs, choose some at the top.",
        nothing="No job is known",
        mappings=state_codes(),
    )
    timeline = state_timeline(about, range_query(state_code(by=NAMED), LEGEND))
    return [
        (12, [(timeline, 24)]),
        (9, [(_restarts(), 8), (_delays(), 8), (_longest(), 8)]),
    ]


def _restarts() -> Json:
    about = About(
        title="Restarts over time",
        description="The ten jobs that restarted most often. Flink counts a rescaling as well.",
        nothing="No job counts its restarts",
        steps=((None, GOOD), (1, NOTICE)),
    )
    increase = f"increase(streaming_job_restart_times{{{JOB}}}[$__rate_interval])"
    top = f"topk(10, max by ({NAMED}) ({increase}))"
    return timeseries(about, range_query(top, LEGEND), bars=True, stacked=True)


def _delays() -> Json:
    about = About(
        title="Input delay",
        description="The ten jobs that are furthest behind their input.",
        nothing="No job tells its delay",
        unit="s",
        steps=LATE,
    )
    top = f"topk(10, {jobs('streaming_job_input_delay_seconds', by=NAMED)})"
    return timeseries(about, range_query(top, LEGEND), limits=True)


def _longest() -> Json:
    about = About(
        title="Longest running",
        description="The ten running jobs whose present run has lasted longest.",
        nothing="No job runs",
        unit="s",
    )
    lasts = (
        f"{jobs('streaming_job_duration_seconds')} and on ({IDENTITY}) {in_state(State.RUNNING)}"
    )
    return bar_gauge(about, now_query(f"topk(10, max by ({NAMED}) ({lasts}))", LEGEND))


def _sources() -> list[Band]:
    about = About(
        title="Age of data",
        description="How long ago each source was last polled well.",
        nothing="No source has been polled",
        unit="s",
        steps=_OLD,
    )
    ages = timeseries(
        about,
        range_query(
            age("streaming_source_last_success_timestamp_seconds", WATCHED, _OF), "{{source}}"
        ),
        limits=True,
    )
    return section("Sources", (9, [(_health(), 16), (ages, 8)]))


def _health() -> Json:
    nothing = "–"
    about = About(
        title="Health of each source",
        description="Whether the last poll succeeded, how old the data are, how long a poll takes, "
        "how many jobs there are, and how many polls failed in the time shown. A source leads to "
        "the dashboard of the exporter.",
        nothing="No source is known",
        overrides=[
            override(
                "source",
                displayName="Source",
                links=[
                    link(
                        "The exporter",
                        "/d/streaming-exporter?var-source=${__data.fields.source:percentencode}"
                        f"&{_KEPT}",
                    )
                ],
            ),
            override("platform", displayName="Platform"),
            override(
                "Value #A",
                displayName="Last poll",
                mappings=UP_DOWN,
                noValue=nothing,
                custom__cellOptions=coloured_cell(),
            ),
            override(
                "Value #B",
                displayName="Age of data",
                unit="s",
                noValue=nothing,
                thresholds=thresholds(_OLD),
                custom__cellOptions=coloured_text(),
            ),
            override("Value #C", displayName="Poll takes", unit="s", noValue=nothing),
            override("Value #D", displayName="Jobs", noValue=nothing),
            override(
                "Value #E",
                displayName="Failed polls",
                decimals=0,
                noValue=nothing,
                thresholds=thresholds(((None, PLAIN), (1, NOTICE))),
                custom__cellOptions=coloured_text(),
            ),
        ],
    )
    return table(
        about,
        row_query(f"max by ({_OF}) (streaming_source_up{{{WATCHED}}})"),
        row_query(age("streaming_source_last_success_timestamp_seconds", WATCHED, _OF)),
        row_query(f"max by ({_OF}) (streaming_source_poll_duration_seconds{{{WATCHED}}})"),
        row_query(f"sum by ({_OF}) (max by ({_OF}, state) (streaming_source_jobs{{{WATCHED}}}))"),
        row_query(within_range("streaming_source_poll_failures_total", WATCHED, _OF)),
        columns=(
            *("source", "platform"),
            *("Value #A", "Value #B", "Value #C", "Value #D", "Value #E"),
        ),
    )
