"""Tell a namespace without objects from one that does not exist.

An API server lists both as empty, with status 200: a slip in the name of a namespace would look
like "nothing is there".
"""

import re
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from exporter.errors import FetchError, Reason
from exporter.kubernetes.api import NAMESPACES, KubernetesApi
from exporter.pacing import Clock
from exporter.source import Names

_KNOWN_FOR = 3600.0
LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""The name of a namespace, or of a Service."""


def _namespaces(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if not LABEL.fullmatch(name):
            raise PydanticCustomError(
                "namespaces", "not the name of a namespace: {name}", {"name": repr(name)}
            )
    if len(set(names)) < len(names):
        raise PydanticCustomError("namespaces", "a namespace is listed twice")
    return names


NamespaceNames = Annotated[Names, AfterValidator(_namespaces)]


class NamespaceCheck:
    """Asks for namespaces whose listings are empty, once in a while; `now` never runs backwards."""

    def __init__(self, api: KubernetesApi, *, now: Clock) -> None:
        self._api = api
        self._now = now
        self._exists: dict[str, float] = {}
        self._may_not_ask: set[str] = set()

    async def of_empty(self, namespace: str) -> FetchError | None:
        """Return what to tell of a namespace that lists nothing; None when there is no news.

        With reason not_found it does not exist. With any other it could not be asked for, which is
        told once: the account need not have that right. Raises FetchError when nobody answered.
        """
        if self._now() - self._exists.get(namespace, float("-inf")) < _KNOWN_FOR:
            return None
        try:
            await self._api.find(NAMESPACES, "", namespace)
        except FetchError as exc:
            if exc.gone:
                return FetchError(
                    Reason.NOT_FOUND,
                    exc.operation,
                    status=exc.status,
                    code=exc.code,
                    detail=f"the namespace {namespace} does not exist: check namespaces",
                )
            if exc.reason is not Reason.AUTH:
                raise
            if namespace in self._may_not_ask:
                return None
            self._may_not_ask.add(namespace)
            detail = (
                f"the namespace {namespace} lists nothing, and whether it exists may not be asked "
                "(get namespaces): check its name"
            )
            return FetchError(Reason.AUTH, exc.operation, status=exc.status, detail=detail)
        self._exists[namespace] = self._now()
        return None

    def seen(self, namespace: str) -> None:
        """Note that a namespace lists something; once it is empty again it is asked for anew."""
        self._exists.pop(namespace, None)
        self._may_not_ask.discard(namespace)
