"""Show the exporter itself: what it costs, how well it polls, what it needs, what agents report."""

from grafana.source import edge_reports, variables
from grafana.source.annotations import alerts
from grafana.source.board import Band, dashboard, section
from grafana.source.palette import BAD, GOOD, NOTICE, PLAIN, Steps, texts
from grafana.source.panels import (
    About,
    Json,
    curve,
    now_query,
    override,
    range_query,
    row_query,
    stat,
    table,
    timeseries,
)
from grafana.source.promql import SCRAPED, SOURCE, WATCHED, age, per_second, within_range

UID = "streaming-exporter"
_DAY = "86400"
_REQUESTS = "streaming_exporter_api_requests_total"
_OF = "source, platform"
_SOME: Steps = ((None, GOOD), (1, NOTICE))


def build() -> Json:
    """Return the dashboard of the exporter."""
    return dashboard(
        uid=UID,
        title="Streaming jobs / The exporter",
        description="The exporter itself: API calls and their cost, polling, failures, resources, "
        "and the reports of edge agents.",
        variables=[
            variables.datasource(),
            variables.platform(),
            variables.source(),
            variables.cluster(),
            variables.namespace(),
            variables.job(hidden=False),
            variables.instance(hidden=False),
        ],
        bands=[*_now(), *_calls(), *_polls(), *_process(), *edge_reports.bands()],
        annotations=[alerts(of_jobs=False)],
    )


def _tile(
    title: str,
    description: str,
    expr: str,
    *,
    unit: str,
    steps: Steps = ((None, PLAIN),),
    legend: str = "{{instance}}",
) -> Json:
    about = About(
        title=title,
        description=description,
        nothing="The exporter is not scraped",
        unit=unit,
        steps=steps,
    )
    return stat(about, now_query(expr, legend))


def _now() -> list[Band]:
    reloaded = About(
        title="Configuration",
        description="Whether the last attempt to load the configuration succeeded; after a failed "
        "one the old configuration stays in use.",
        nothing="The exporter is not scraped",
        mappings=texts({1: ("loaded", GOOD), 0: ("rejected", BAD)}),
    )
    loaded = f"min by (instance) (streaming_exporter_config_last_reload_successful{{{SCRAPED}}})"
    built = f"max by (version) (streaming_exporter_build_info{{{SCRAPED}}})"
    version = About(
        title="Version",
        description="How many exporters run which version.",
        nothing="The exporter is not scraped",
    )
    tiles = [
        stat(version, now_query(f"count by (version) ({built})", "{{version}}"), names=True),
        stat(reloaded, now_query(loaded, "{{instance}}"), filled=True),
        _tile(
            "Configuration loaded",
            "How long ago the configuration was last loaded.",
            age(
                "streaming_exporter_config_last_reload_success_timestamp_seconds",
                SCRAPED,
                "instance",
            ),
            unit="s",
        ),
        _tile(
            "Uptime",
            "How long ago the exporter started.",
            age("process_start_time_seconds", SCRAPED, "instance"),
            unit="s",
            steps=((None, NOTICE), (600, GOOD)),
        ),
        _tile(
            "API calls a day",
            "What the calls to the platforms would come to in a day at the present rate: the bill.",
            f"{_DAY} * sum(rate({_REQUESTS}{{{SOURCE}}}[$__rate_interval]))",
            unit="short",
            steps=((None, GOOD), (900_000, NOTICE)),
            legend="calls",
        ),
        _tile(
            "Memory",
            "Resident memory of the exporter: 60 MB and 8 kB for each job at most.",
            f"max by (instance) (process_resident_memory_bytes{{{SCRAPED}}})",
            unit="bytes",
            steps=((None, GOOD), (500e6, NOTICE), (1e9, BAD)),
        ),
    ]
    return [(4, [(tile, 4) for tile in tiles])]


def _calls() -> list[Band]:
    rate = curve(
        "API calls",
        "Calls to the platforms of each source, logins and repetitions included; the table tells "
        "the operations apart.",
        "No call has been made",
        per_second(_REQUESTS, SOURCE, "source"),
        "{{source}}",
        unit="reqps",
        stacked=True,
    )
    codes = curve(
        "Answers",
        "Calls by the HTTP status of the answer, or by the reason why there was none.",
        "No call has been made",
        per_second(_REQUESTS, SOURCE, "code"),
        "{{code}}",
        unit="reqps",
        stacked=True,
    )
    refused = curve(
        "Throttling",
        "Calls that a platform refused because there were too many. Raise poll_interval or "
        "detail_interval of the source, or lower its rate_limit.",
        "Nothing has been throttled",
        f"{per_second('streaming_exporter_api_throttled_total', SOURCE, 'source')} > 0",
        "{{source}}",
        unit="reqps",
        steps=((None, GOOD), (0.01, BAD)),
    )
    figures = curve(
        "Figures asked for",
        "Figures that were asked of the monitoring of platforms which charge for each. Raise "
        "metrics_interval of the source, or ask for fewer metrics.",
        "No figure is paid for",
        per_second("streaming_exporter_api_metrics_requested_total", SOURCE, "source, operation"),
        "{{source}} / {{operation}}",
        unit="short",
    )
    buckets = per_second(
        "streaming_exporter_api_request_duration_seconds_bucket", SOURCE, "source, le"
    )
    slow = curve(
        "Duration of calls",
        "95 of 100 calls are answered within this time.",
        "No call has been made",
        f"histogram_quantile(0.95, {buckets})",
        "{{source}}",
        unit="s",
        steps=((None, GOOD), (5, NOTICE), (10, BAD)),
    )
    return section(
        "API calls",
        (9, [(_cost(), 12), (rate, 12)]),
        (8, [(codes, 6), (refused, 6), (figures, 6), (slow, 6)]),
    )


def _cost() -> Json:
    of = "source, operation"
    calls = _increase(_REQUESTS, of)
    a_day = f"{_DAY} / $__range_s * {calls}"
    seconds = "streaming_exporter_api_request_duration_seconds"
    mean = f"{_increase(f'{seconds}_sum', of)}\n/\n{_increase(f'{seconds}_count', of)}"
    nothing = "–"
    about = About(
        title="What the calls cost",
        description="Calls in the time shown, what they come to in a day and in 30 days, and how "
        "long one takes on average, for each source and operation.",
        nothing="No call has been made",
        overrides=[
            override("source", displayName="Source"),
            override("operation", displayName="Operation"),
            override("Value #A", displayName="Calls", decimals=0, noValue=nothing),
            override("Value #B", displayName="A day", decimals=0, noValue=nothing),
            override("Value #C", displayName="In 30 days", decimals=0, noValue=nothing),
            override("Value #D", displayName="Takes", unit="s", noValue=nothing),
        ],
    )
    return table(
        about,
        row_query(calls),
        row_query(a_day),
        row_query(f"30 * {a_day}"),
        row_query(mean),
        columns=("source", "operation", "Value #A", "Value #B", "Value #C", "Value #D"),
        worst_first="Value #A",
    )


def _increase(metric: str, of: str) -> str:
    return within_range(metric, SOURCE, of)


def _polls() -> list[Band]:
    takes = f"max by ({_OF}) (streaming_source_poll_duration_seconds{{{WATCHED}}})"
    polls = per_second("streaming_source_polls_total", WATCHED, _OF)
    duration = curve(
        "Duration of polls",
        "How long the last poll of each source took.",
        "No source has been polled",
        takes,
        "{{source}}",
        unit="s",
    )
    share = curve(
        "Share of the interval used",
        "How much of the time between the beginnings of two polls the poll itself takes. At 100 % "
        "polls begin late: raise poll_interval or rate_limit.",
        "No source has been polled",
        f"{takes} * on ({_OF}) {polls}",
        "{{source}}",
        unit="percentunit",
        steps=((None, GOOD), (0.7, NOTICE), (1, BAD)),
    )
    interval = curve(
        "Time between polls",
        "How much time lies between the ends of two polls: poll_interval, or more when polls "
        "take longer or fail.",
        "No source has been polled",
        f"1 / ({polls} > 0)",
        "{{source}}",
        unit="s",
    )
    details = curve(
        "Age of details",
        "How old the oldest details of any living job are: more than detail_interval when the "
        "calls allowed are too few.",
        "No details have been asked for",
        f"max by ({_OF}) (streaming_source_detail_age_seconds{{{WATCHED}}})",
        "{{source}}",
        unit="s",
    )
    failures = curve(
        "Failed polls",
        "Polls that failed, by reason. The last good values stay meanwhile.",
        "No poll failed",
        _grown("streaming_source_poll_failures_total", "source, reason"),
        "{{source}}: {{reason}}",
        unit="short",
        steps=_SOME,
    )
    questions = curve(
        "Failed questions about one job",
        "Questions about single jobs that failed while the listing worked, by reason.",
        "No question failed",
        _grown("streaming_source_detail_failures_total", "source, reason"),
        "{{source}}: {{reason}}",
        unit="short",
        steps=_SOME,
    )
    clusters = curve(
        "Clusters found",
        "Flink clusters that the discovery of a source has found: reached, unreached, or skipped "
        "because they may not be asked or could not be read.",
        "No source looks for clusters by itself",
        f"max by (source, condition) (streaming_source_clusters{{{WATCHED}}}) > 0",
        "{{source}}: {{condition}}",
        unit="short",
    )
    return section(
        "Polling",
        (8, [(panel, 6) for panel in (duration, share, interval, details)]),
        (8, [(panel, 6) for panel in (failures, questions, _surprises(), clusters)]),
    )


def _grown(metric: str, by: str) -> str:
    """Return by how much a counter has grown, where it has: nothing is drawn of what is well."""
    return f"sum by ({by}) (increase({metric}{{{WATCHED}}}[$__rate_interval])) > 0"


def _surprises() -> Json:
    about = About(
        title="Surprises",
        description="Polls that did not finish what was due, state words that nobody knows, and "
        "fields that are not as documented and were skipped.",
        nothing="There were none",
        steps=_SOME,
    )
    return timeseries(
        about,
        *(
            range_query(_grown(f"streaming_source_{what}_total", "source"), legend)
            for what, legend in (
                ("poll_overruns", "{{source}}: overruns"),
                ("unknown_states", "{{source}}: unknown states"),
                ("unreadable_fields", "{{source}}: unreadable fields"),
            )
        ),
        limits=True,
    )


def _process() -> list[Band]:
    size = curve(
        "Size of a scrape",
        "Samples that Prometheus takes from the exporter at each scrape.",
        "The exporter is not scraped",
        f"max by (instance) (scrape_samples_scraped{{{SCRAPED}}})",
        "{{instance}}",
        unit="short",
    )
    scrape = curve(
        "Duration of a scrape",
        "How long Prometheus waits for the page. The page is ready beforehand: this should be "
        "milliseconds, whatever the number of jobs.",
        "The exporter is not scraped",
        f"max by (instance) (scrape_duration_seconds{{{SCRAPED}}})",
        "{{instance}}",
        unit="s",
        steps=((None, GOOD), (1, NOTICE), (5, BAD)),
    )
    memory = curve(
        "Memory over time",
        "Resident memory of the exporter.",
        "The exporter is not scraped",
        f"max by (instance) (process_resident_memory_bytes{{{SCRAPED}}})",
        "{{instance}}",
        unit="bytes",
    )
    cpu = curve(
        "Processor",
        "Share of one processor core that the exporter uses.",
        "The exporter is not scraped",
        per_second("process_cpu_seconds_total", SCRAPED, "instance"),
        "{{instance}}",
        unit="percentunit",
        steps=((None, GOOD), (0.7, NOTICE), (0.9, BAD)),
    )
    return section(
        "Scrapes and resources", (8, [(panel, 6) for panel in (size, scrape, memory, cpu)])
    )
