"""Judge a scrape: what a Prometheus would read of it."""

from prometheus_client.parser import text_string_to_metric_families

from exporter.model import Snapshot
from tests.histories.rules import Broken, Rule
from tests.virtual_time import EPOCH

_RENDERED_WITHIN = 0.2
_EDGE = 0.01
_Key = tuple[str, ...]


def judge_page(page: str, snapshot: Snapshot | None, published_at: float, now: float) -> None:
    """Judge a page by what was last published; raises Broken."""
    samples = _read(page, now)
    if snapshot is None:
        return
    oldest = EPOCH + now - snapshot.stale_after
    observed = samples.get("streaming_job_observed_timestamp_seconds", {})
    for key, at in observed.items():
        if at < oldest - _EDGE:
            raise Broken(Rule.NOTHING_STALE, now, f"{key} of {at - EPOCH:.2f} is on the page")
    for key, duration in samples.get("streaming_job_duration_seconds", {}).items():
        if duration < 0:
            raise Broken(Rule.DURATION_FITS, now, f"{key}: {duration}")
    if now - published_at < _RENDERED_WITHIN:
        return
    expected = {
        (job.job_id, job.job_name, job.project): (job.state.value, job.observed_timestamp)
        for job in snapshot.jobs
        if job.observed_timestamp > oldest + _EDGE
    }
    states = {
        key[:-1]: key[-1]
        for key, value in samples.get("streaming_job_state", {}).items()
        if value == 1
    }
    found = {key: (states.get(key, ""), at) for key, at in observed.items() if at > oldest + _EDGE}
    if found != expected:
        raise Broken(Rule.PAGE_IS_WHOLE, now, f"published {expected}, on the page {found}")


def _read(page: str, now: float) -> dict[str, dict[_Key, float]]:
    found: dict[str, dict[_Key, float]] = {}
    seen = set()
    try:
        families = list(text_string_to_metric_families(page))
    except ValueError as exc:
        raise Broken(Rule.PAGE_IS_SOUND, now, f"does not parse: {exc}") from exc
    for family in families:
        for sample in family.samples:
            series = sample.name, tuple(sorted(sample.labels.items()))
            if series in seen:
                raise Broken(Rule.PAGE_IS_SOUND, now, f"twice: {series}")
            seen.add(series)
            if sample.name.startswith("streaming_job_"):
                names = ("job_id", "job_name", "project", "state")
                key = tuple(sample.labels[name] for name in names if name in sample.labels)
                found.setdefault(sample.name, {})[key] = sample.value
    return found
