"""Find why a job failed: DescribeJobEvents of `oceanus` 2019-04-22. Everything here is pure.

Vendor page: "DescribeJobEvents". A job can have tens of thousands of events, so both the time and
the number asked for are bounded. The type of an event is a number written as a text.
"""

from collections.abc import Mapping
from typing import Any

from exporter.errors import UnreadableError
from exporter.fields import Flaws, Record
from exporter.model import Job
from exporter.vendors.tencent.jobs import with_error

OPERATION = "DescribeJobEvents"
_FAILURE = "21"
_LOOKED_BACK = 7 * 86400
_MOST_EVENTS = 20


def question(job: Job, now: float) -> Mapping[str, object]:
    """Return the parameters that ask for the last failures of a job."""
    begin = max(now - _LOOKED_BACK, job.start_timestamp or 0.0)
    return {
        "JobId": job.job_id,
        "WorkSpaceId": job.project,
        "StartTimestamp": int(begin),
        "EndTimestamp": int(now) + 1,
        "Types": [_FAILURE],
        "Offset": 0,
        "Limit": _MOST_EVENTS,
    }


def parse_failure(response: Mapping[str, Any], job: Job, flaws: Flaws) -> Job:
    """Add to a job what its last failure was; raises UnreadableError when these are no events."""
    events = response.get("Events")
    if events is not None and not isinstance(events, list):
        raise UnreadableError("Events: expected a list")
    failures = [
        event
        for event in Record(response, OPERATION, flaws).records("Events")
        if event.text("Type") == _FAILURE
    ]
    if not failures:
        return job
    last = max(failures, key=lambda event: event.time_seconds("Timestamp") or 0.0)
    text = last.long_text("Message") or last.long_text("Description")
    found = with_error(job, text) if text else job
    return found._replace(last_error_timestamp=last.time_seconds("Timestamp"))
