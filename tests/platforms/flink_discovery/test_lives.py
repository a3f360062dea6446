"""With high availability all runs of an application have one id: a later one is no old news."""

import pytest

from exporter.model import State
from tests.platforms.flink_job_manager import JID, Flink, graph, listed
from tests.virtual_time import EPOCH, run


@pytest.mark.parametrize(("started", "is_news"), [(EPOCH - 100, False), (EPOCH - 10, True)])
def test_answer_about_another_run_of_an_ended_job_is_as_new_as_it_is(
    started: float, is_news: bool
) -> None:
    """Of the same run it comes out of Flink's cache, and is older than the end."""
    flink = Flink()
    flink.answers[f"/jobs/{JID}"] = graph("RUNNING", **{"start-time": started * 1000})
    ended = listed()._replace(state=State.FINISHED, start_timestamp=EPOCH - 100)
    found = run(flink.source(lambda source: source.fetch_details(ended))).job
    assert found.state is State.RUNNING
    assert (found.observed_timestamp >= ended.observed_timestamp) is is_news
