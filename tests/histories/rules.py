"""What must hold in every history, each rule with a name."""

from enum import StrEnum

from exporter.model import Job
from tests.histories.history import told
from tests.virtual_time import EPOCH


class Rule(StrEnum):
    """One promise of the exporter."""

    FAILURE_IS_SEEN = "a failure longer than a poll interval is seen"
    HEALTHY_IS_NOT_FAILED = "no healthy job is shown failed"
    STATE_WAS_SO = "what is shown was so when it was observed"
    TOLD_IS_SHOWN = "what the platform told is shown"
    LISTING_IS_WHOLE = "a listing that is called complete lacks no job"
    RESTARTS_SHOW = "restarts between polls show"
    NOTHING_STALE = "nothing is shown after stale_after"
    FAILED_POLL_KEEPS_ALL = "a failed poll withdraws nothing"
    NONE_LEAVES_UNTOLD = "a job leaves only when the platform says so twice over"
    DELETED_LEAVE = "a job that is told to be gone leaves"
    GONE_IS_TOLD = "a job is told as gone if it lived, left, and nobody told its end; no other is"
    PROBLEM_IS_TOLD = "a job that is shown with a problem is told with it"
    PROBLEM_IS_TRUE = "no problem is told of a job that has none"
    PROBLEM_STAYS = "a problem ends only when it was seen to be over"
    PROBLEM_BEGINS_ONCE = "a problem that goes on does not begin again"
    ENDED_STAY = "ended jobs stay for ended_retention"
    ENDED_LEAVE = "ended jobs leave after ended_retention"
    LATER_RUN_REPLACES = "a later run takes the place of an ended one"
    RUN_OWNS_FACTS = "a run shows no facts of another"
    DURATION_FITS = "the duration is that of the run"
    TIME_GOES_ON = "no time moves back within a run"
    ONCE_EACH = "each job is shown once"
    UP_IS_TRUE = "up says how the last poll went"
    POLLS_GO_ON = "polls go on"
    HANG_IS_TOLD = "a hang is told within a poll and two time-outs"
    CHANGE_IS_ASKED = "details of a job that changed are asked for at once"
    DETAILS_COME = "details of a job that lives come within detail_interval"
    PAGE_IS_SOUND = "the page parses and has no series twice"
    PAGE_IS_WHOLE = "the page shows what is published"


def brief(job: Job) -> str:
    """Write what is known of a job, as a story wants it: times are those of the story."""
    told_fields = []
    for name, value in zip(job._fields, job, strict=True):
        if value in (None, "", ()):
            continue
        if name.endswith("timestamp") and isinstance(value, float):
            told_fields.append(f"{name}={told(value - EPOCH)}")
        else:
            told_fields.append(f"{name}={value}")
    return ", ".join(told_fields)


class Broken(AssertionError):
    """A rule was broken."""

    def __init__(self, rule: Rule, at: float, text: str) -> None:
        self.rule = rule
        self.at = at
        super().__init__(f"{told(at)} broken: {rule}\n      {text}")
