"""A job that is held up by its storage is starting: with the version that all tests ask.

Other versions take that storage elsewhere, and are not held up.
"""

import pytest

from exporter.model import State
from tests.flink_cluster import FlinkCluster, JobSpec
from tests.flink_cluster.asking import details

pytestmark = pytest.mark.xdist_group("real")


def test_initializing_job_is_starting_without_a_failure(flink_cluster: FlinkCluster) -> None:
    """Flink cannot answer everything about it, which is no trouble of the source."""
    (jid,) = flink_cluster.submit([JobSpec(name="slow", kind="starting")]).values()
    flink_cluster.wait_for(jid, "INITIALIZING")
    job = details(flink_cluster, jid).job
    assert (job.state, job.native_status) == (State.STARTING, "INITIALIZING")
    flink_cluster.wait_for(jid, "RUNNING")
    flink_cluster.cancel(jid)
