"""Show all jobs: how many are in which state, which need attention, what happened, what is slow."""

from exporter.pages.colours import LOOKS
from grafana.source import variables
from grafana.source.addresses import console_link, runbook_links, with_console
from grafana.source.annotations import alerts, problems
from grafana.source.attention import WHY, needing_attention, problem_began, restarts_within_range
from grafana.source.board import Band, dashboard, section
from grafana.source.palette import BAD, GOOD, LATE, NOTICE, PLAIN, UP_DOWN, thresholds
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
    table,
    timeseries,
)
from grafana.source.promql import (
    APART,
    JOB,
    LEGEND,
    NAMED,
    RESTARTS,
    SOURCE,
    WATCHED,
    age,
    count_or_zero,
    furthest_behind,
    named,
    source_jobs,
    within_range,
)

UID = "streaming-overview"
_KEPT = "${__url_time_range}&var-datasource=${datasource}"
_OF = "source, platform"
_EXPORTED = "cluster, namespace, job, instance, source, project, job_id"
"""What tells one job of one exporter."""
_RESTARTED, _BEHIND = "restarted", "behind"
"""Hidden variables: the ten jobs that a panel shows."""
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
            variables.status_page(),
            variables.flink(),
            variables.cluster(),
            variables.namespace(),
            variables.job(hidden=True),
            variables.instance(hidden=True),
            variables.job_names(_RESTARTED, f"topk(10, {restarts_within_range(by='job_name')})"),
            variables.job_names(_BEHIND, furthest_behind()),
        ],
        bands=[*_now(), *_history(), *_sources()],
        annotations=[alerts(of_jobs=True), problems()],
    )


def _now() -> list[Band]:
    tiles = [_need_attention(), _absent(), _sources_down(), _oldest(), _restarted(), _latest()]
    return [
        (4, [(_states(), 24)]),
        (4, [(tile, 4) for tile in tiles]),
        (10, [(_attention(), 24)]),
    ]


def _states() -> Json:
    about = About(
        title="Jobs in each state",
        description="How many jobs of the selected sources are in each state now, whatever "
        "projects and jobs are chosen.",
        nothing="No job is known: is the exporter scraped?",
        overrides=[
            override(
                state.value,
                thresholds=thresholds(((None, "transparent"), (1, look.colour))),
            )
            for state, look in LOOKS.items()
        ],
    )
    return stat(about, now_query(source_jobs("state"), "{{state}}"), filled=True, names=True)


def _need_attention() -> Json:
    about = About(
        title="Need attention",
        description="Jobs that have failed, do not run though they should, keep restarting, are "
        "stuck, are behind their input or no longer report.",
        nothing="No job is known",
        steps=_WORST,
    )
    found = count_or_zero(needing_attention(), f"streaming_source_jobs{{{WATCHED}}}")
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
    up = f"max by ({APART}, {_OF}) (streaming_source_up{{{WATCHED}}})"
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
        description="Restarts of the selected jobs in the time shown, as the recording rules count "
        "them every five minutes.",
        nothing="None recorded",
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
    return stat(about, now_query(f"max(streaming_job_input_delay_seconds{{{JOB}}})", "delay"))


def _attention() -> Json:
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
            override("console", displayName="Console", noValue=nothing, links=[console_link()]),
            override(
                "runbook", displayName="Runbook", links=runbook_links("${__data.fields.runbook}")
            ),
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
        description="How many jobs of the selected sources were in each state, whatever projects "
        "and jobs are chosen. A job has a line of its own on the dashboard of one job.",
        nothing="No source has been polled",
        overrides=[
            override(state.value, color={"mode": "fixed", "fixedColor": look.colour})
            for state, look in LOOKS.items()
        ],
    )
    states = timeseries(about, range_query(source_jobs("state"), "{{state}}"), stacked=True)
    return [
        (10, [(states, 24)]),
        (9, [(_restarts(), 8), (_delays(), 8), (_longest(), 8)]),
    ]


def _restarts() -> Json:
    about = About(
        title="Restarts over time",
        description="The ten jobs that restarted most often in the time shown, as the recording "
        "rules count restarts every five minutes. Flink counts a rescaling as well.",
        nothing="None recorded",
        steps=((None, GOOD), (1, NOTICE)),
    )
    counted = f"sum_over_time({RESTARTS}{{{named(_RESTARTED)}}}[$__interval])"
    query = range_query(f"max by ({NAMED}) ({counted})", LEGEND)
    # No nearer to each other than they are counted, or one restart would be several bars.
    return {**timeseries(about, query, bars=True, stacked=True), "interval": "5m"}


def _delays() -> Json:
    about = About(
        title="Input delay",
        description="The ten jobs that are furthest behind their input at the end of the time "
        "shown.",
        nothing="No job tells its delay",
        unit="s",
        steps=LATE,
    )
    delay = f"max by ({NAMED}) (streaming_job_input_delay_seconds{{{named(_BEHIND)}}})"
    return timeseries(about, range_query(delay, LEGEND), limits=True)


def _longest() -> Json:
    about = About(
        title="Longest running",
        description="The ten running jobs whose present run has lasted longest.",
        nothing="No job runs",
        unit="s",
    )
    runs = f'streaming_job_state{{{JOB}, state="running"}} == 1'
    lasts = f"streaming_job_duration_seconds{{{JOB}}} and on ({_EXPORTED}) {runs}"
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
        row_query(source_jobs(_OF)),
        row_query(within_range("streaming_source_poll_failures_total", WATCHED, _OF)),
        columns=(
            *("source", "platform"),
            *("Value #A", "Value #B", "Value #C", "Value #D", "Value #E"),
        ),
    )
