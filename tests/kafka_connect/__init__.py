"""Give the tests real Kafka Connect workers, and a broker for them.

What Connect's documentation claims, what its REST API answers and what is so are three things.
`scripts/fetch-kafka-connect` brings the jars of a worker and a broker, once; `ConnectCluster` runs
them on free local ports.
"""

from tests.kafka_connect.cluster import ConnectCluster, ConnectClusterError
from tests.kafka_connect.distribution import ConnectDistribution, ConnectUnavailableError

__all__ = [
    "ConnectCluster",
    "ConnectClusterError",
    "ConnectDistribution",
    "ConnectUnavailableError",
]
