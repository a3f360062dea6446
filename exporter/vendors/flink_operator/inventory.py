"""List the resources of the Flink operator, and remember those whose listing did not arrive."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from exporter.errors import FetchError, Reason
from exporter.fields import Flaws
from exporter.kubernetes.api import Kind, KubernetesApi
from exporter.kubernetes.namespaces import NamespaceCheck
from exporter.upstream.refusals.kubernetes import NO_SUCH_KIND
from exporter.vendors.flink_operator.resources import (
    DEPLOYMENTS,
    SESSION_JOBS,
    Resource,
    resource_reader,
)

KINDS = (DEPLOYMENTS, SESSION_JOBS)
_Name = tuple[str, str]
_Answers = Mapping[tuple[str, Kind], "list[Resource] | FetchError"]


@dataclass(slots=True, kw_only=True)
class Listed:
    """What one pass found, and what of it did not arrive."""

    resources: list[Resource] = field(default_factory=list)
    incomplete: list[tuple[str, FetchError]] = field(default_factory=list)
    """Namespaces that did not arrive whole, with why."""
    failures: list[FetchError] = field(default_factory=list)
    """What else there is to tell, as news."""


class OperatorInventory:
    """The resources of some namespaces, or of all; what was listed last is known for each kind."""

    def __init__(
        self,
        api: KubernetesApi,
        namespaces: Sequence[str],
        label_selector: str,
        check: NamespaceCheck,
    ) -> None:
        self._api = api
        self._scopes = tuple(namespaces) or ("",)
        self._label_selector = label_selector
        self._check = check
        self._known: dict[Kind, dict[_Name, Resource]] = {kind: {} for kind in KINDS}
        self._missing_kinds: set[Kind] = set()

    def find(self, kind: Kind, namespace: str, name: str) -> Resource | None:
        """Return a resource as it was last seen; None when its listing did not have it."""
        return self._known[kind].get((namespace, name))

    def known(self) -> Iterable[Resource]:
        """Return all resources as they were last seen."""
        return (each for found in self._known.values() for each in found.values())

    def note(self, resource: Resource) -> None:
        """Take in a resource that was asked for by its name."""
        self._known[resource.kind][resource.namespace, resource.name] = resource

    def forget(self, kind: Kind, namespace: str, name: str) -> None:
        """Take in that a resource does not exist."""
        self._known[kind].pop((namespace, name), None)

    async def list_all(self, flaws: Flaws) -> Listed:
        """List all kinds in all namespaces; one that fails does not hurt the others.

        Raises FetchError, the first one, when nothing arrived.
        """
        wanted = [(scope, kind) for scope in self._scopes for kind in KINDS]
        found = await asyncio.gather(*(self._list(*each, flaws) for each in wanted))
        answers: _Answers = dict(zip(wanted, found, strict=True))
        failed = {key: each for key, each in answers.items() if isinstance(each, FetchError)}
        if len(failed) == len(answers):
            # Whatever else is wrong tells more than that a kind is not there.
            raise min(failed.values(), key=lambda each: each.code == NO_SUCH_KIND)
        listed = Listed()
        for (scope, kind), failure in failed.items():
            self._tell(scope, kind, failure, listed)
        self._missing_kinds = {
            kind for (_, kind), each in failed.items() if each.code == NO_SUCH_KIND
        }
        for (scope, kind), rows in answers.items():
            if not isinstance(rows, FetchError):
                listed.resources += rows
                self._remember(scope, kind, rows)
        await self._check_empty(answers, listed)
        return listed

    async def _list(self, scope: str, kind: Kind, flaws: Flaws) -> list[Resource] | FetchError:
        try:
            listing = await self._api.list_all(
                kind,
                scope,
                lambda: resource_reader(kind, scope, flaws),
                label_selector=self._label_selector,
            )
        except FetchError as exc:
            return exc
        return [each for each in listing.rows if each is not None]

    def _tell(self, scope: str, kind: Kind, failure: FetchError, listed: Listed) -> None:
        """Say which jobs may be missing for a failure: those that were known of this kind."""
        namespaces = {namespace for namespace, _ in self._known[kind]}
        affected = {scope} if scope else namespaces
        if failure.code == NO_SUCH_KIND and not (affected & namespaces):
            # Where it was never seen nothing is missed: older operators lack some kinds.
            if kind not in self._missing_kinds:
                listed.failures.append(failure)
            return
        listed.incomplete += [(each, failure) for each in sorted(affected | {scope})]

    def _remember(self, scope: str, kind: Kind, rows: list[Resource]) -> None:
        kept = {
            name: each for name, each in self._known[kind].items() if scope and name[0] != scope
        }
        self._known[kind] = kept | {(each.namespace, each.name): each for each in rows}

    async def _check_empty(self, answers: _Answers, listed: Listed) -> None:
        async def check(namespace: str) -> None:
            try:
                told = await self._check.of_empty(namespace)
            except FetchError as exc:
                listed.incomplete.append((namespace, exc))
                return
            if told is not None and told.reason is Reason.NOT_FOUND:
                listed.incomplete.append((namespace, told))
            elif told is not None:
                listed.failures.append(told)

        empty = []
        for scope in filter(None, self._scopes):
            if any(answers[scope, kind] for kind in KINDS):
                self._check.seen(scope)
            else:
                empty.append(scope)
        await asyncio.gather(*(check(each) for each in empty))
