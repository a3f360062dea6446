"""Give the tests a real Apache Flink cluster.

What a platform claims in its documentation and what its REST API answers are two things, so the
tests of `apache_flink` ask Flink itself. `scripts/fetch-flink` brings the distribution, once;
`FlinkCluster` runs it on free local ports; `python -m tests.flink_cluster` does so by hand.
"""

from tests.flink_cluster.cluster import PATIENT, FlinkCluster, FlinkClusterError
from tests.flink_cluster.distribution import FlinkDistribution, FlinkUnavailableError
from tests.flink_cluster.jobs import JobKind, JobSpec, SubmissionError

__all__ = [
    "PATIENT",
    "FlinkCluster",
    "FlinkClusterError",
    "FlinkDistribution",
    "FlinkUnavailableError",
    "JobKind",
    "JobSpec",
    "SubmissionError",
]
