"""Read Apache Flink through its own REST API, whoever runs it: one cluster, or a fleet of them.

`cluster` asks one cluster and puts together what `jobs`, `graph`, `health` and `figures` read;
`fleet` keeps many clusters, each a `member`; `departures` asks a `witness` about those that left.
"""
