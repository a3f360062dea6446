"""Look for clusters at an interval, and remember what is known of who is there.

A look that fails, or tells only a part, takes nothing away. A cluster has left when two complete
looks lack it, or when one says that it is over.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from exporter.discovery.admission import OPERATION, Admission
from exporter.discovery.clusters import Cluster, Clusters, Discovery, EndedCluster, SkippedTarget
from exporter.errors import FetchError, Reason
from exporter.pacing import Clock
from exporter.process.steps import in_steps

_LOOKS = 2
"""Complete looks in a row that lack a cluster before it has left."""


_Life = tuple[str, str]
"""The name and the incarnation of a cluster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of the clusters at one moment."""

    living: Mapping[str, Cluster] = field(default_factory=lambda: MappingProxyType({}))
    """By their names; those that the last look lacked for the first time are among them."""
    ended: Mapping[_Life, EndedCluster] = field(default_factory=lambda: MappingProxyType({}))
    """How clusters ended, each life of them, as far as the last look told."""
    skipped: tuple[SkippedTarget, ...] = ()
    failures: tuple[FetchError, ...] = ()
    """Parts that the last look lacked."""
    failure: FetchError | None = None
    """Why the last look failed."""
    certain: bool = False
    """Whether a cluster that is not among these has left for sure."""

    def end_of(self, cluster: Cluster) -> EndedCluster | None:
        """Return how this life of a cluster ended; None when it is not known to be over."""
        found = self.ended.get((cluster.name, cluster.incarnation))
        return found or self.ended.get((cluster.name, ""))


class Refreshing:
    """What is known of the clusters of one source."""

    def __init__(
        self,
        discovery: Discovery,
        admission: Admission,
        *,
        refresh: float,
        timeout: float,
        monotonic: Clock,
    ) -> None:
        """Take how often to look, and the seconds that a look may take."""
        self._discovery = discovery
        self._admission = admission
        self._refresh = refresh
        self._timeout = timeout
        self._monotonic = monotonic
        self._due_at = float("-inf")
        self._complete = 0
        self._lacking: dict[str, int] = {}
        self._looked = False
        self.known = Known()

    @property
    def looked(self) -> bool:
        """Say whether any look has succeeded."""
        return self._looked

    @property
    def due(self) -> bool:
        """Say whether it is time for another look."""
        return self._monotonic() >= self._due_at

    async def look(self) -> None:
        """Look once; what is known afterwards tells how that went."""
        began = self._monotonic()
        try:
            async with asyncio.timeout(self._timeout):
                found = await self._discovery.find()
            admitted = await in_steps(self._admission.admit(found))
        except FetchError as exc:
            self.known = replace(self.known, failure=exc.bare())
        except TimeoutError:
            detail = f"no answer within {self._timeout:g} s"
            failure = FetchError(Reason.TIMEOUT, OPERATION, detail=detail)
            self.known = replace(self.known, failure=failure)
        else:
            self._looked = True
            # One that failed is made again at the next poll.
            self._due_at = began + self._refresh
            self._take(admitted)

    async def aclose(self) -> None:
        """Close the discovery."""
        await self._discovery.aclose()

    def _take(self, found: Clusters) -> None:
        living = {cluster.name: cluster for cluster in found.living}
        known = replace(
            self.known,
            ended=MappingProxyType({(each.name, each.incarnation): each for each in found.ended}),
        )
        self._complete += found.complete
        lacking: dict[str, int] = {}
        for name, cluster in known.living.items():
            if name in living or known.end_of(cluster) is not None:
                continue
            looks = self._lacking.get(name, 0) + found.complete
            if looks < _LOOKS:
                living[name] = cluster
                lacking[name] = looks
        self._lacking = lacking
        self.known = Known(
            living=MappingProxyType(living),
            ended=known.ended,
            skipped=found.skipped,
            failures=found.failures,
            certain=found.complete and self._complete >= _LOOKS,
        )
