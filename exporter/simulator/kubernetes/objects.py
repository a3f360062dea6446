"""Keep the objects of a simulated cluster by revision, so that a listing shows one moment."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from exporter.simulator.kubernetes.refusal import bad_request, expired

Object = Mapping[str, Any]
Key = tuple[str, str]
_KEPT_REVISIONS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a listing."""

    items: list[Object]
    resource_version: str
    token: str = ""
    remaining: int | None = None


class Objects:
    """The objects of one kind, by namespace and name, at each of the last revisions.

    As in etcd all objects of the cluster share one count of revisions: `revise` makes the next.
    """

    def __init__(self, revise: Callable[[], int], clock: Callable[[], float]) -> None:
        self._revise = revise
        self._clock = clock
        self._present: dict[Key, Object] = {}
        self._revisions: dict[int, dict[Key, Object]] = {0: {}}

    def put(self, body: Object) -> Object:
        """Make an object or exchange one, and return it with what the server adds."""
        given = body["metadata"]
        key = (str(given.get("namespace", "")), str(given["name"]))
        old = self._present.get(key)
        revision = self._revise()
        metadata = {**given, "resourceVersion": str(revision)}
        if old is None:
            metadata.setdefault("creationTimestamp", _iso(self._clock()))
            metadata.setdefault("generation", 1)
            metadata.setdefault("uid", _uid(f"{key}{revision}"))
        else:
            before = old["metadata"]
            changed = body.get("spec") != old.get("spec")
            metadata |= {name: before[name] for name in ("creationTimestamp", "uid")}
            metadata["generation"] = before["generation"] + int(changed)
            if "deletionTimestamp" in before:
                metadata["deletionTimestamp"] = before["deletionTimestamp"]
        self._keep({**self._present, key: {**body, "metadata": metadata}}, revision)
        return self._present[key]

    def delete(self, namespace: str, name: str) -> None:
        """Delete an object; one with finalizers is only marked."""
        key = (namespace, name)
        old, revision = self._present[key], self._revise()
        if old["metadata"].get("finalizers"):
            marked = {**old["metadata"], "deletionTimestamp": _iso(self._clock())}
            self._keep({**self._present, key: {**old, "metadata": marked}}, revision)
            return
        self._keep({k: each for k, each in self._present.items() if k != key}, revision)

    def find(self, namespace: str, name: str) -> Object | None:
        """Return one object as it is now."""
        return self._present.get((namespace, name))

    def names(self, namespace: str) -> list[str]:
        """Return the names of all objects of a namespace."""
        return [name for where, name in self._present if where == namespace]

    def compact(self) -> None:
        """Forget all revisions but the present one, so that listings begun before expire."""
        self._revisions = {max(self._revisions): self._present}

    def page(
        self, namespace: str, limit: int, token: str, selects: Callable[[Object], bool], now: int
    ) -> Page:
        """Return a page of the objects of a namespace, or (if empty) of all, in order of names.

        Raises KubernetesRefusal for a token that is none, or is of a revision that is forgotten.
        """
        revision, start = (now, "") if not token else _read_token(token)
        objects = self._at(revision, start)
        matching = [
            (f"{where}/{name}", each)
            for (where, name), each in sorted(objects.items())
            if namespace in ("", where) and f"{where}/{name}" >= start and selects(each)
        ]
        if not limit or len(matching) <= limit:
            return Page(
                items=[each for _, each in matching],
                resource_version=str(now if revision < 0 else revision),
            )
        shown = revision if revision >= 0 else now
        return Page(
            items=[each for _, each in matching[:limit]],
            resource_version=str(shown),
            token=_write_token(shown, matching[limit][0]),
            remaining=len(matching) - limit,
        )

    def _at(self, revision: int, start: str) -> dict[Key, Object]:
        if revision < 0:
            return self._present
        known = [each for each in self._revisions if each <= revision]
        if not known:
            raise expired(_write_token(-1, start))
        return self._revisions[max(known)]

    def _keep(self, objects: dict[Key, Object], revision: int) -> None:
        self._present = objects
        self._revisions[revision] = objects
        while len(self._revisions) > _KEPT_REVISIONS:
            del self._revisions[min(self._revisions)]


def _write_token(revision: int, start: str) -> str:
    text = json.dumps({"v": "meta.k8s.io/v1", "rv": revision, "start": start})
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_token(token: str) -> tuple[int, str]:
    try:
        padded = token + "=" * (-len(token) % 4)
        found = json.loads(base64.urlsafe_b64decode(padded))
        return int(found["rv"]), str(found["start"])
    except (ValueError, KeyError, TypeError):
        raise bad_request("invalid continue token: continue key is not valid") from None


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _uid(text: str) -> str:
    found = sha256(text.encode()).hexdigest()
    return "-".join((found[:8], found[8:12], found[12:16], found[16:20], found[20:32]))
