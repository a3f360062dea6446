"""Make clusters of groups of targets, in Prometheus' format. Pure functions.

A target is `host[:port]`, as Prometheus takes it. Its label `__scheme__` says http or https, and
`__api_path__` what comes before the paths of Flink's API where a proxy wants something there.
`__metrics_path__` is not looked at: in files that Prometheus reads too it leads to metrics.
Targets that share the label which names clusters are the JobManagers of one cluster.
"""

import re
from collections.abc import Iterable, Mapping

from exporter.discovery.clusters import Cluster, Clusters, SkippedTarget
from exporter.discovery.target_groups import TargetGroup
from exporter.process.steps import Steps

SCHEME = "__scheme__"
PATH = "__api_path__"
_HOST_AND_PORT = re.compile(r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{1,5}))?")
_TARGETS_PER_STEP = 500


def clusters_of(groups: Iterable[TargetGroup], cluster_label: str) -> Steps[Clusters]:
    """Return the clusters that targets make up, by their label or else each by itself, in steps."""
    addresses: dict[str, dict[str, None]] = {}
    skipped: dict[tuple[str, str], None] = {}
    count = 0
    for group in groups:
        name = group.labels.get(cluster_label, "")
        for target in group.targets:
            count += 1
            if count % _TARGETS_PER_STEP == 0:
                yield
            # What stands before an @ may be a password.
            shown = name or target.rpartition("@")[2]
            address, reason = address_of(target, group.labels)
            if reason:
                skipped[shown, reason] = None
            else:
                addresses.setdefault(shown, {})[address] = None
    yield
    return Clusters(
        living=tuple(
            Cluster(name=name, addresses=tuple(found)) for name, found in addresses.items()
        ),
        skipped=tuple(SkippedTarget(name=name, reason=reason) for name, reason in skipped),
    )


def address_of(target: str, labels: Mapping[str, str]) -> tuple[str, str]:
    """Return the URL that a target stands for, and why there is none; one of both is empty."""
    if "@" in target:
        return "", "a target holds no user and no password"
    match = _HOST_AND_PORT.fullmatch(target)
    if match is None:
        return "", "expected a target as host:port"
    scheme = labels.get(SCHEME) or "http"
    if scheme not in ("http", "https"):
        return "", f"expected http or https as {SCHEME}"
    path = labels.get(PATH, "").strip("/")
    return f"{scheme}://{target}" + (f"/{path}" if path else ""), ""
