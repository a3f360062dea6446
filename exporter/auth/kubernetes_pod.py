"""Ask the API server as the service account of the pod that this program runs in.

Kubernetes documentation: "Accessing the Kubernetes API from a Pod", "Managing Service Accounts".
The kubelet replaces token and authority by exchanging the symbolic link of their folder.
"""

import ipaddress
from collections.abc import Mapping
from pathlib import Path

import httpx

from exporter.auth.kubernetes import MOST_BYTES, Access, Connection, bearer
from exporter.errors import CredentialError, UnusableError
from exporter.files import read
from exporter.runtime import Wait

HOST, PORT = "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"
_NAMES = ("kubernetes.default.svc", "kubernetes.default", "kubernetes.default.svc.cluster.local")
_MOST_TOKEN = 64 * 1024
_UNMOUNTED = "; a pod has none unless it says automountServiceAccountToken: true"


def pod_server(environ: Mapping[str, str]) -> str:
    """Return the address of the pod's own API server, an empty text outside of a pod."""
    host, port = environ.get(HOST, ""), environ.get(PORT, "")
    if not host or not port:
        return ""
    try:
        bracketed = f"[{host}]" if ipaddress.ip_address(host).version == 6 else host
    except ValueError:
        bracketed = host
    return f"https://{bracketed}:{port}"


def is_pods_own(endpoint: str, environ: Mapping[str, str]) -> bool:
    """Say whether an endpoint is the pod's own API server, whose token may be sent there."""
    own = pod_server(environ)
    if not own:
        return False
    url, pods = httpx.URL(endpoint), httpx.URL(own)
    if url.scheme != "https" or url.path not in ("", "/"):
        return False
    if (url.host, url.port or 443) == (pods.host, pods.port or 443):
        return True
    return url.host in _NAMES and (url.port or 443) == 443


class PodAccess:
    """The service account in the folder that the kubelet keeps for it."""

    def __init__(
        self,
        server: str,
        folder: Path,
        *,
        aside: Wait,
        authority: Path | None = None,
        verify: bool = True,
    ) -> None:
        """Take the address, the folder, and another file of authorities, if that was set up."""
        self._verify = verify
        self._server = server
        self._token = folder / "token"
        self._authority = authority or folder / "ca.crt"
        self._aside = aside

    async def access(self) -> Access:
        """Read token and authority. Raises CredentialError naming the file that cannot be used."""
        token = await read_file(self._token, _MOST_TOKEN, self._aside, absent=_UNMOUNTED)
        authority = None
        if self._verify:
            authority = await read_file(self._authority, MOST_BYTES, self._aside)
        try:
            text = token.decode("ascii").rstrip()
        except UnicodeDecodeError:
            raise CredentialError(f"{self._token}: not a token") from None
        return Access(
            connection=Connection(server=self._server, authority=authority, verify=self._verify),
            authorization=bearer(text, str(self._token)),
        )


async def read_file(path: Path, most: int, aside: Wait, *, absent: str = "") -> bytes:
    """Return what a file holds; raises UnusableError naming it when it cannot be read.

    `absent` is added where there is none.
    """
    try:
        return await aside(lambda: read(path, most), path)
    except OSError as exc:
        problem = (exc.strerror or "cannot be read").lower()
        problem += absent if isinstance(exc, FileNotFoundError) else ""
    raise UnusableError(f"{path}: {problem}")
