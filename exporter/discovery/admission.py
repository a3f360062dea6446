"""Say which of the clusters that were found may be asked, and name the others with why. No I/O.

Whoever found them: a file of targets or a registered service can point anywhere. Credentials go to
the hosts that the configuration names and to no others; what a name leads to is judged again when
it is connected to.
"""

from collections.abc import Sequence

import httpx

from exporter.discovery.clusters import Cluster, Clusters, SkippedTarget
from exporter.discovery.names import label_value
from exporter.errors import FetchError, Reason
from exporter.expressions import Expression
from exporter.process.steps import Steps
from exporter.settings import is_endpoint
from exporter.upstream.addresses import AddressRules

OPERATION = "discovery"
MOST_FOUND = 50_000
"""Targets of one discovery, whether they are asked or not."""
_MOST_ADDRESSES = 32
"""JobManagers of one cluster."""
_PER_STEP = 100


class Admission:
    """The rules of one source about what others point it to."""

    def __init__(
        self, *, hosts: Sequence[str] = (), rules: AddressRules, max_clusters: int
    ) -> None:
        """Take the expressions that hosts must match one of, if there are any.

        Raises ValueError when one is none.
        """
        self._hosts = tuple(Expression(text) for text in hosts)
        self._rules = rules
        self._max_clusters = max_clusters

    def admit(self, found: Clusters) -> Steps[Clusters]:
        """Return what was found with the names and addresses that may be used, in steps.

        Raises FetchError when there are too many clusters: none of them is left out silently.
        """
        if len(found.living) > MOST_FOUND:
            raise _too_many(len(found.living), MOST_FOUND)
        living: dict[str, Cluster] = {}
        skipped = [
            SkippedTarget(name=_shown(each.name), reason=each.reason) for each in found.skipped
        ]
        for count, cluster in enumerate(found.living, start=1):
            if count % _PER_STEP == 0:
                yield
            name = label_value(cluster.name)
            reason, addresses = self._addresses(cluster.addresses)
            if not name:
                reason = "it has no name"
            elif cluster.addresses and not addresses:
                pass
            elif name in living:
                reason = "another cluster has this name"
            else:
                living[name] = Cluster(
                    name=name,
                    addresses=addresses,
                    incarnation=cluster.incarnation,
                    native_status=cluster.native_status,
                    server_name=cluster.server_name,
                )
            if reason:
                skipped.append(SkippedTarget(name=_shown(name), reason=reason))
        if len(living) > self._max_clusters:
            raise _too_many(len(living), self._max_clusters, " (max_clusters)")
        return Clusters(
            living=tuple(living.values()),
            ended=found.ended,
            skipped=tuple(skipped),
            failures=found.failures,
            complete=found.complete,
        )

    def refusal(self, address: str) -> str:
        """Return why the address of a JobManager may not be asked, or an empty text."""
        if not is_endpoint(address):
            # It is not quoted: it may hold a password.
            return "an address is not http(s)://host[:port][/path], without credentials or query"
        host = httpx.URL(address).host
        if why := self._rules.refusal_of_host(host):
            return why
        if self._hosts and not any(expression.matches(host) for expression in self._hosts):
            return "its host matches none of discovery.hosts"
        return ""

    def _addresses(self, given: Sequence[str]) -> tuple[str, tuple[str, ...]]:
        """Return why an address is refused, if any is, and those that are not."""
        if len(given) > _MOST_ADDRESSES:
            return f"it has more than {_MOST_ADDRESSES} addresses", ()
        refusals = [self.refusal(address) for address in given]
        allowed = [each for each, why in zip(given, refusals, strict=True) if not why]
        return next((why for why in refusals if why), ""), tuple(dict.fromkeys(allowed))


def _shown(name: str) -> str:
    return label_value(name) or "(no name)"


def _too_many(count: int, most: int, which: str = "") -> FetchError:
    detail = f"{count} clusters were found, more than {most}{which}"
    return FetchError(Reason.INVALID_RESPONSE, OPERATION, detail=detail)
