"""Build the PromQL that several panels share.

Two exporters may watch the same jobs, so everything is aggregated without `instance`. Every
selector follows the variables `job` and `instance`, as dashboard-linter asks, and those that tell
apart exporters of two teams whose scrape jobs and sources have one name.
"""

from exporter.model import State
from grafana.source.palette import CODES

WHERE = 'cluster=~"$cluster", namespace=~"$namespace"'
SCRAPED = f'{WHERE}, job=~"$job", instance=~"$instance"'
SOURCE = f'{SCRAPED}, source=~"$source"'
WATCHED = f'{SCRAPED}, platform=~"$platform", source=~"$source"'
JOB = f'{WATCHED}, project=~"$project", job_name=~"$job_name"'

IDENTITY = "source, platform, project, job_id, job_name"
NAMED = "source, project, job_name"
"""What people call a job; each new run of Flink has a `job_id` of its own."""
APART = "cluster, namespace"
"""What tells apart exporters whose scrape jobs have one name: those of another team, say."""
LEGEND = "{{source}} / {{job_name}}"
RESTARTS = "instance_job:streaming_job_restart_times:delta5m"
"""Restarts within five minutes, of jobs that had any: `prometheus/rules/recording.yml`."""


def jobs(metric: str, matchers: str = "", *, by: str = IDENTITY, test: str = "") -> str:
    """Return the samples of the selected jobs, with a test of their values such as `== 1`."""
    inner = f"{metric}{{{JOB}{matchers and ', '}{matchers}}}"
    return f"max by ({by}) ({inner}{test and ' '}{test})"


def in_state(*states: State) -> str:
    """Return 1 for each selected job that is in one of these states."""
    names = "|".join(state.value for state in states)
    operator = "=" if len(states) == 1 else "=~"
    return jobs("streaming_job_state", f'state{operator}"{names}"', test="== 1")


def state_code(metric: str = "streaming_job_state", *, by: str = IDENTITY) -> str:
    """Return the code of the state of each selected job; of several of a name, the worst."""
    codes = "\n    or ".join(
        f'label_replace(vector({code}), "state", "{state.value}", "", "")'
        for state, code in CODES.items()
    )
    current = f"({metric}{{{JOB}}} == 1)"
    return f"max by ({by}) (\n  {current}\n  * on (state) group_left () (\n    {codes}\n  )\n)"


def source_jobs(by: str) -> str:
    """Return how many jobs there are of the selected sources; each exporter counts its own.

    Exporters with the same shard count the same jobs, those with others count other jobs, and so do
    those of another cluster or namespace.
    """
    once = f"max by ({APART}, source, platform, state, shard) (\n    {_counted()}\n  )"
    return f"sum by ({by}) (\n  {once}\n)"


def _counted() -> str:
    of = f"{APART}, job, instance"
    shard = f"max by ({of}, shard) (streaming_exporter_shard_info{{{SCRAPED}}})"
    counts = f"streaming_source_jobs{{{WATCHED}}}"
    return f"{counts}\n    * on ({of}) group_left (shard) {shard}"


def furthest_behind() -> str:
    """Return the names of the ten selected jobs that are furthest behind their input."""
    return f"topk(10, {jobs('streaming_job_input_delay_seconds', by='job_name')})"


def age(metric: str, selector: str, by: str) -> str:
    """Return how many seconds ago the time was that a metric holds."""
    return f"time() - max by ({by}) ({metric}{{{selector}}})"


def per_second(metric: str, selector: str, by: str) -> str:
    """Return the rate of a counter."""
    return f"sum by ({by}) (rate({metric}{{{selector}}}[$__rate_interval]))"


def within_range(metric: str, selector: str, by: str) -> str:
    """Return by how much a counter has grown in the time shown."""
    return f"sum by ({by}) (increase({metric}{{{selector}}}[$__range]))"


def named(job_names: str) -> str:
    """Return what selects the jobs that a hidden variable names."""
    return f'{WATCHED}, project=~"$project", job_name=~"${job_names}"'


def count_or_zero(found: str, present: str) -> str:
    """Count what is found; 0 when nothing is, but no data when nothing is present either."""
    return f"count(\n{found}\n)\nor\n0 * count({present})"
