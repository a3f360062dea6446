"""Read kubeconfig files: which cluster, as whom.

Kubernetes documentation: "Organizing Cluster Access Using kubeconfig Files"; client-go's
`clientcmd/api/v1`. Of several files the first that names a thing wins. Names of files in them are
relative to the file they stand in; what is given as data wins over a file. Nothing here runs a
program, asks for a login or acts as somebody else: a user that needs that is a clear error.
"""

import binascii
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from exporter.errors import UnusableError

_INSTEAD = (
    "give it the token of a service account (auth.bearer.token_file), "
    "or a kubeconfig with a token or a client certificate"
)
_LISTS = (("contexts", "context"), ("clusters", "cluster"), ("users", "user"))

_DEEPEST = 100
"""Lists and mappings within each other; a kubeconfig has four, and its extensions some more."""
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Makes plain values only, in C where that is installed."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Material:
    """Something secret or public that is given as it is, or as a file."""

    data: bytes | None = None
    path: Path | None = None

    def __bool__(self) -> bool:
        return self.data is not None or self.path is not None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Login:
    """What one context of a kubeconfig comes to, its files not yet read."""

    context: str
    server: str
    namespace: str
    authority: Material
    certificate: Material
    key: Material
    token: Material
    verify: bool
    server_name: str
    proxy_url: str | None
    username: str
    password: str


def parse_kubeconfig(files: Sequence[tuple[Path, str]], context: str = "") -> Login:
    """Merge the texts of some files, and return what a context comes to: the current one, or this.

    Raises UnusableError, whose text names the file or the entry and quotes no value.
    """
    merged = _Merged()
    for path, text in files:
        merged.add(path, text)
    return merged.login(context)


class _Merged:
    """The entries of some files by name, each with the folder of its file."""

    def __init__(self) -> None:
        self._current = ""
        self._entries: dict[str, dict[str, tuple[Mapping[str, Any], Path]]] = {
            plural: {} for plural, _ in _LISTS
        }

    def add(self, path: Path, text: str) -> None:
        """Take in one file; what is there already stays."""
        document = _load(path, text)
        if document is None:
            return
        if not isinstance(document, Mapping):
            raise UnusableError(f"{path}: not a kubeconfig")
        current = document.get("current-context")
        self._current = self._current or (current if isinstance(current, str) else "")
        for plural, singular in _LISTS:
            named = _named(document.get(plural), f"{path}: {plural}", singular)
            for name, entry in named.items():
                self._entries[plural].setdefault(name, (entry, path.parent))

    def login(self, context: str) -> Login:
        """Follow a context to its cluster and its user."""
        name = context or self._current
        if not name:
            raise UnusableError(
                "the kubeconfig has no current-context: give auth.kubeconfig.context"
            )
        chosen, _ = self._find("contexts", name)
        place = f"context {name!r} of the kubeconfig"
        cluster_name, user_name = _text(chosen, "cluster", place), _text(chosen, "user", place)
        cluster, at_cluster = self._find("clusters", cluster_name)
        user: Mapping[str, Any] = {}
        at_user = Path()
        if user_name:
            user, at_user = self._find("users", user_name)
        of_cluster = f"cluster {cluster_name!r} of the kubeconfig"
        of_user = f"user {user_name!r} of the kubeconfig"
        _refuse_what_cannot_be_done(user, of_user)
        insecure = cluster.get("insecure-skip-tls-verify")
        certificate = _material(user, "client-certificate", at_user, of_user)
        key = _material(user, "client-key", at_user, of_user)
        if bool(certificate) != bool(key):
            raise UnusableError(f"{of_user}: client-certificate and client-key go together")
        return Login(
            context=name,
            server=_text(cluster, "server", of_cluster).rstrip("/"),
            namespace=_text(chosen, "namespace", place),
            authority=_material(cluster, "certificate-authority", at_cluster, of_cluster),
            certificate=certificate,
            key=key,
            token=_token(user, at_user, of_user),
            verify=insecure is not True,
            server_name=_text(cluster, "tls-server-name", of_cluster),
            proxy_url=_text(cluster, "proxy-url", of_cluster) or None,
            username=_text(user, "username", of_user),
            password=_text(user, "password", of_user),
        )

    def _find(self, plural: str, name: str) -> tuple[Mapping[str, Any], Path]:
        found = self._entries[plural].get(name)
        if found is None:
            raise UnusableError(f"the kubeconfig has no entry {name!r} in {plural}")
        return found


def _load(path: Path, text: str) -> Any:
    try:
        # Some versions of the loader in C do not look how deep they are, and end the process.
        if not _is_deep(text):
            return yaml.load(text, Loader=_LOADER)  # noqa: S506  # nosec B506
    except (
        *(yaml.YAMLError, RecursionError, ValueError, OverflowError),
        *(LookupError, AttributeError),
    ):
        # The last two are what PyYAML makes of a text tagged as a boolean or a timestamp.
        pass
    # Raised out here: the exceptions of the parser hold the text that it stumbled over.
    raise UnusableError(f"{path}: not a kubeconfig, which is YAML or JSON")


def _is_deep(text: str) -> bool:
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            return True
    return False


def _named(value: object, place: str, singular: str) -> dict[str, Mapping[str, Any]]:
    if value is None:
        return {}
    if not isinstance(value, list):
        raise UnusableError(f"{place}: expected a list")
    found: dict[str, Mapping[str, Any]] = {}
    for number, each in enumerate(value):
        name = each.get("name") if isinstance(each, Mapping) else None
        if not isinstance(name, str):
            raise UnusableError(f"{place}[{number}]: expected an entry with a name")
        if name in found:
            raise UnusableError(f"{place}: {name!r} is there twice")
        entry = each.get(singular)
        found[name] = entry if isinstance(entry, Mapping) else {}
    return found


def _refuse_what_cannot_be_done(user: Mapping[str, Any], place: str) -> None:
    if user.get("exec") is not None:
        raise UnusableError(f"{place} logs in by a program (exec), which is not run: {_INSTEAD}")
    if user.get("auth-provider") is not None:
        raise UnusableError(f"{place} logs in by an auth-provider, which is not known: {_INSTEAD}")
    if any(user.get(name) for name in ("as", "as-uid", "as-groups", "as-user-extra")):
        raise UnusableError(f"{place} acts as somebody else (as), which is not done: {_INSTEAD}")


def _text(entry: Mapping[str, Any], name: str, place: str) -> str:
    value = entry.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UnusableError(f"{place}: {name}: expected a text")
    return value


def _material(entry: Mapping[str, Any], name: str, folder: Path, place: str) -> Material:
    data = _text(entry, f"{name}-data", place)
    if data:
        try:
            # As Go does it: line breaks are left out, nothing else is.
            return Material(data=b64decode(data.replace("\n", "").replace("\r", ""), validate=True))
        except (binascii.Error, ValueError):
            pass
        raise UnusableError(f"{place}: {name}-data: not base64")
    path = _text(entry, name, place)
    return Material(path=folder / path) if path else Material()


def _token(user: Mapping[str, Any], folder: Path, place: str) -> Material:
    # The file wins: it is what somebody renews.
    path, token = _text(user, "tokenFile", place), _text(user, "token", place)
    if path:
        return Material(path=folder / path)
    return Material(data=token.encode("utf-8", "surrogatepass")) if token else Material()
