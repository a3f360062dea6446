"""One word of a platform can mean two states: what held in the one is not shown in the other."""

from exporter.collecting.merging import merge
from exporter.collecting.tracked_job import differs
from exporter.model import State
from tests.jobs import job
from tests.virtual_time import EPOCH

FINISHED = job(
    state=State.FINISHED, native_status="FINISHED", end_timestamp=EPOCH, observed_timestamp=EPOCH
)
SUSPENDED = job(state=State.SUSPENDED, native_status="FINISHED", observed_timestamp=EPOCH + 30)


def test_end_of_a_run_is_not_that_of_a_suspension_with_the_same_word() -> None:
    assert merge(FINISHED, SUSPENDED).end_timestamp is None
    again = job(state=State.FINISHED, native_status="FINISHED", observed_timestamp=EPOCH + 30)
    assert merge(FINISHED, again).end_timestamp == EPOCH


def test_other_state_with_the_same_word_is_news() -> None:
    assert differs(FINISHED, SUSPENDED)
    assert not differs(SUSPENDED, SUSPENDED)
