"""Find Flink clusters among the applications of YARN, and how those that left have ended.

Hadoop documentation, "ResourceManager REST API's" and "Web Application Proxy"; Flink documentation,
"Apache Hadoop YARN". YARN forgets applications that have ended, on a busy cluster within minutes:
each look asks for those that ended since the last one. What is in neither list is asked for by its
id before it counts as gone.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from exporter.discovery.clusters import Cluster, Clusters, EndedCluster, SkippedTarget
from exporter.discovery.yarn_applications import Application
from exporter.discovery.yarn_names import ApplicationNames
from exporter.discovery.yarn_resource_managers import APPLICATIONS, ResourceManagers
from exporter.discovery.yarn_settings import YarnSettings
from exporter.errors import FetchError, Reason, SlowExpressionError
from exporter.expressions import Expression
from exporter.fields import Flaws
from exporter.model import State
from exporter.pacing import Clock
from exporter.process.steps import Steps, in_steps

MARGIN: Final = 600.0
"""Seconds by which lists of ended applications overlap: clocks differ, and answers take time."""
_APPLICATIONS_PER_STEP: Final = 200
_MOST_ASKED: Final = 50
"""Applications that are asked for one by one in one look; the others stay until the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """One application that was there at the last look."""

    application: Application
    cluster: Cluster | None


class YarnDiscovery:
    """The Flink clusters that one YARN runs.

    `cpu_time` returns the seconds that the processor has worked for this thread.
    """

    def __init__(
        self,
        settings: YarnSettings,
        managers: ResourceManagers,
        clock: Clock,
        *,
        cpu_time: Clock = time.thread_time,
    ) -> None:
        self._settings = settings
        self._managers = managers
        self._clock = clock
        self._names = ApplicationNames()
        self._selection = _Selection(settings, cpu_time)
        self._known: dict[str, _Known] = {}
        self._looked: float | None = None

    async def find(self) -> Clusters:
        """Return the clusters that are there, and those that ended since the last look.

        Raises FetchError; everything that is known stays as it is then.
        """
        began = self._clock()
        looked = began if self._looked is None else min(self._looked, began)
        flaws = Flaws()
        # In this order nobody can slip through between the two by ending.
        listed = await self._chosen(await self._managers.living(flaws))
        listed |= await self._chosen(await self._managers.ended(looked - MARGIN, flaws))
        # Which list it was in says nothing: a proxy may have lost the query.
        ended = {each: listed[each] for each in listed if listed[each].ended}
        living = {each: listed[each] for each in listed if not listed[each].ended}
        vanished = self._known.keys() - living.keys() - ended.keys()
        for each in await self._look_for(sorted(vanished), flaws):
            (ended if each.ended else living)[each.application_id] = each
        names = await in_steps(self._names.assign(living.values()))
        found = await in_steps(self._clusters(living, names))
        self._known = {
            each: _Known(application=living[each], cluster=found.get(each)) for each in living
        }
        self._looked = began
        return Clusters(
            living=tuple(found.values()),
            ended=tuple(self._ended(each) for each in ended.values()),
            skipped=tuple(
                SkippedTarget(name=names[each], reason=_HIDDEN) for each in living.keys() - found
            ),
        )

    async def aclose(self) -> None:
        """Close nothing: the connections are the source's."""

    async def _chosen(self, applications: Sequence[Application]) -> dict[str, Application]:
        try:
            return await in_steps(self._selection.choose(applications))
        except SlowExpressionError as exc:
            raise FetchError(Reason.INVALID_RESPONSE, APPLICATIONS, detail=str(exc)) from None

    async def _look_for(self, vanished: Sequence[str], flaws: Flaws) -> list[Application]:
        """Ask for applications that no list has; return those that are not gone."""

        async def ask(application_id: str) -> Application | None:
            try:
                return await self._managers.find(application_id, flaws)
            except FetchError:
                # Not being told is no news.
                return self._known[application_id].application

        later = [self._known[each].application for each in vanished[_MOST_ASKED:]]
        found = await asyncio.gather(*(ask(each) for each in vanished[:_MOST_ASKED]))
        return [*(each for each in found if each is not None), *later]

    def _clusters(
        self, living: Mapping[str, Application], names: Mapping[str, str]
    ) -> Steps[dict[str, Cluster]]:
        found = {}
        for count, application_id in enumerate(sorted(living, key=lambda each: names[each])):
            if count % _APPLICATIONS_PER_STEP == 0:
                yield
            application = living[application_id]
            addresses = () if application.waiting else self._addresses(application)
            if not addresses and not application.waiting:
                # It may have been hidden since: what it answered at before, it may still.
                known = self._known.get(application_id)
                if known is None or known.cluster is None:
                    continue
                addresses = known.cluster.addresses
            session = self._selection.is_session(application)
            found[application_id] = Cluster(
                name=names[application_id],
                addresses=addresses,
                incarnation=application_id,
                native_status="" if session else application.native_status,
            )
        return found

    def _addresses(self, application: Application) -> tuple[str, ...]:
        if self._settings.reach == "direct":
            address = application.master_address
            return (f"{self._settings.scheme}://{address}",) if address else ()
        # The proxy of a standby knows no application, so the active one comes first.
        endpoints = self._settings.proxy_endpoints or self._managers.in_order
        return tuple(f"{each}/proxy/{application.application_id}" for each in endpoints)

    def _ended(self, application: Application) -> EndedCluster:
        state = application.end_state
        if self._selection.is_session(application):
            # Whoever ended it, its jobs were others.
            state = State.UNKNOWN
        return EndedCluster(
            name=self._names.of_ended(application),
            incarnation=application.application_id,
            state=state,
            native_status=application.native_status,
            end_timestamp=application.finished_timestamp,
            error_text="" if state is State.FINISHED else application.diagnostics,
        )


_HIDDEN = (
    "the ResourceManager does not tell where it answers: its access control list may hide it, "
    "or let reach be proxy"
)


class _Selection:
    """Which applications are watched."""

    def __init__(self, settings: YarnSettings, cpu_time: Clock) -> None:
        def read(texts: Sequence[str]) -> tuple[Expression, ...]:
            return tuple(Expression(each, cpu_time=cpu_time) for each in texts)

        self._include = read(settings.applications.include)
        self._exclude = read(settings.applications.exclude)
        self._sessions = read(settings.session_clusters)
        self._queues = settings.queues

    def choose(self, applications: Sequence[Application]) -> Steps[dict[str, Application]]:
        """Return those that are watched by their ids, in steps. Raises SlowExpressionError."""
        chosen = {}
        for count, each in enumerate(applications):
            if self._has(each):
                chosen[each.application_id] = each
            if count % _APPLICATIONS_PER_STEP == 0:
                yield
        return chosen

    def is_session(self, application: Application) -> bool:
        """Say whether an application is known to be a session cluster, by its name."""
        try:
            return any(each.matches(application.name) for each in self._sessions)
        except SlowExpressionError:
            # As such its end says nothing of jobs, which is never wrong.
            return True

    def _has(self, application: Application) -> bool:
        name, queue = application.name, application.queue
        if self._queues and not any(_same_queue(queue, each) for each in self._queues):
            return False
        if self._include and not any(each.matches(name) for each in self._include):
            return False
        return not any(each.matches(name) for each in self._exclude)


def _same_queue(one: str, other: str) -> bool:
    """Compare two names of queues: `root.a.b` and `b` are one, as long as either is not whole."""
    if "." in one and "." in other:
        return one == other
    return one.rpartition(".")[2] == other.rpartition(".")[2]
