"""Judge a scrape: what a Prometheus would read of it."""

from exporter.model import Snapshot
from tests.histories.rules import Broken, Rule
from tests.scrape import samples
from tests.virtual_time import EPOCH

_RENDERED_WITHIN = 0.2
_EDGE = 0.01
_JUDGED = (
    "streaming_job_observed_timestamp_seconds",
    "streaming_job_duration_seconds",
    "streaming_job_state",
)
_Key = tuple[str, ...]


def judge_page(page: str, snapshot: Snapshot | None, published_at: float, now: float) -> None:
    """Judge a page by what was last published; raises Broken."""
    found_samples = _read(page, now)
    if snapshot is None:
        return
    oldest = EPOCH + now - snapshot.stale_after
    observed = found_samples.get("streaming_job_observed_timestamp_seconds", {})
    for key, at in observed.items():
        if at < oldest - _EDGE:
            raise Broken(Rule.NOTHING_STALE, now, f"{key} of {at - EPOCH:.2f} is on the page")
    for key, duration in found_samples.get("streaming_job_duration_seconds", {}).items():
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
        for key, value in found_samples.get("streaming_job_state", {}).items()
        if value == 1
    }
    found = {key: (states.get(key, ""), at) for key, at in observed.items() if at > oldest + _EDGE}
    if found != expected:
        raise Broken(Rule.PAGE_IS_WHOLE, now, f"published {expected}, on the page {found}")


def _read(page: str, now: float) -> dict[str, dict[_Key, float]]:
    found: dict[str, dict[_Key, float]] = {}
    names = ("job_id", "job_name", "project", "state")
    try:
        for name, labels, value in samples(page, *_JUDGED):
            key = tuple(labels[each] for each in names if each in labels)
            found.setdefault(name, {})[key] = value
    except ValueError as exc:
        raise Broken(Rule.PAGE_IS_SOUND, now, str(exc)) from exc
    return found
