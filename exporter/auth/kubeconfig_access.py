"""Ask an API server as a kubeconfig says, whose files may change at any time."""

import os
from collections.abc import Mapping
from pathlib import Path

from exporter.auth.kubeconfig import Login, Material, parse_kubeconfig
from exporter.auth.kubernetes import MOST_BYTES, Access, Connection, basic, bearer
from exporter.auth.kubernetes_pod import read_file
from exporter.errors import UnusableError
from exporter.runtime import Wait
from exporter.settings import is_endpoint, is_proxy_url

_MOST_CONFIG = 1024 * 1024


def kubeconfig_paths(
    environ: Mapping[str, str], home: Path, *, chosen: Path | None = None
) -> tuple[Path, ...]:
    """Return the files to look at: the chosen one, those of KUBECONFIG, or the usual one."""
    if chosen is not None:
        return (chosen,)
    listed = tuple(Path(each) for each in environ.get("KUBECONFIG", "").split(os.pathsep) if each)
    return listed or (home / ".kube" / "config",)


class KubeconfigAccess:
    """One context of one or several kubeconfig files."""

    def __init__(
        self, paths: tuple[Path, ...], context: str, *, aside: Wait, endpoint: str | None = None
    ) -> None:
        """Take the files, the name of a context or none, and another address than theirs."""
        self._paths = paths
        self._context = context
        self._aside = aside
        self._endpoint = endpoint
        self._read: tuple[tuple[tuple[Path, bytes], ...], Login] | None = None

    async def access(self) -> Access:
        """Read all files. Raises UnusableError naming the file or entry that cannot be used."""
        login = await self._login()
        server = self._endpoint or login.server
        if not is_endpoint(server):
            place = f"context {login.context!r} of the kubeconfig"
            raise UnusableError(f"{place}: server: expected http(s)://host[:port][/path]")
        if login.proxy_url is not None and not is_proxy_url(login.proxy_url):
            raise UnusableError("the kubeconfig: proxy-url: expected http(s)://host:port")
        return Access(
            connection=Connection(
                server=server.rstrip("/"),
                authority=await self._content(login.authority) if login.verify else None,
                certificate=await self._content(login.certificate),
                key=await self._content(login.key),
                verify=login.verify,
                server_name=login.server_name,
                proxy_url=login.proxy_url,
            ),
            authorization=await self._authorization(login),
        )

    async def _login(self) -> Login:
        contents = []
        for path in self._paths:
            # Of several files some may be missing, of the only one nobody could say what is meant.
            try:
                contents.append((path, await read_file(path, _MOST_CONFIG, self._aside)))
            except UnusableError:
                if len(self._paths) == 1 or await self._aside(path.exists, path):
                    raise
        if not contents:
            names = ", ".join(str(path) for path in self._paths)
            raise UnusableError(f"none of these files is there: {names}")
        found = tuple(contents)
        if self._read is None or self._read[0] != found:
            texts = [(path, _decoded(path, content)) for path, content in found]
            self._read = (found, parse_kubeconfig(texts, self._context))
        return self._read[1]

    async def _authorization(self, login: Login) -> str:
        content = await self._content(login.token)
        if content is not None:
            place = str(login.token.path or f"context {login.context!r} of the kubeconfig")
            return bearer(content.decode("latin-1").rstrip(), place)
        if login.username or login.password:
            return basic(login.username, login.password)
        return ""

    async def _content(self, material: Material) -> bytes | None:
        if material.path is None:
            return material.data
        return await read_file(material.path, MOST_BYTES, self._aside)


def _decoded(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnusableError(f"{path}: not a UTF-8 text file") from None
