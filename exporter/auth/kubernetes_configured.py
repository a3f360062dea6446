"""Choose how to ask an API server: as configured, as a kubeconfig says, or as the pod.

No identity is used but the one that was set up. The token of the pod goes to the pod's own API
server and nowhere else.
"""

from pathlib import Path

from exporter.auth.kubeconfig_access import KubeconfigAccess, kubeconfig_paths
from exporter.auth.kubernetes import MOST_BYTES, Access, AccessProvider, Connection, basic, bearer
from exporter.auth.kubernetes_pod import PodAccess, is_pods_own, pod_server, read_file
from exporter.auth.settings import KubernetesAuthSettings
from exporter.errors import ConfigError, ConfigProblem
from exporter.runtime import Runtime, Wait
from exporter.source import TlsSettings


def kubernetes_access(
    endpoint: str | None,
    auth: KubernetesAuthSettings | None,
    tls: TlsSettings,
    *,
    runtime: Runtime,
) -> AccessProvider:
    """Return what tells how to ask. Raises ConfigError when nothing says where or as whom."""
    if auth is not None and auth.kubeconfig is not None:
        if tls != TlsSettings():
            problem = ConfigProblem("tls", "the kubeconfig says how certificates are checked")
            raise ConfigError((problem,))
        paths = kubeconfig_paths(runtime.environ, runtime.home, chosen=auth.kubeconfig.file)
        return KubeconfigAccess(
            paths, auth.kubeconfig.context, aside=runtime.aside, endpoint=endpoint
        )
    server = pod_server(runtime.environ)
    nobody = auth is None and tls.cert_file is None
    if nobody and (endpoint is None or is_pods_own(endpoint, runtime.environ)):
        if not server:
            problem = ConfigProblem(
                "auth", "expected kubeconfig, or endpoint and bearer: this is no pod of Kubernetes"
            )
            raise ConfigError((problem,))
        return PodAccess(
            endpoint or server,
            runtime.service_account,
            aside=runtime.aside,
            authority=tls.ca_file,
            verify=not tls.insecure_skip_verify,
        )
    if endpoint is None and not server:
        raise ConfigError((ConfigProblem("endpoint", "expected the address of the API server"),))
    own = runtime.service_account / "ca.crt" if endpoint is None else None
    return ConfiguredAccess(
        endpoint or server, auth, tls, aside=runtime.aside, authority=tls.ca_file or own
    )


class ConfiguredAccess:
    """An address and a secret of the configuration; nobody where it names none."""

    def __init__(
        self,
        endpoint: str,
        auth: KubernetesAuthSettings | None,
        tls: TlsSettings,
        *,
        aside: Wait,
        authority: Path | None,
    ) -> None:
        self._endpoint = endpoint
        self._auth = auth
        self._tls = tls
        self._aside = aside
        self._authority = authority

    async def access(self) -> Access:
        """Read the files. Raises CredentialError naming what cannot be used."""
        verify = not self._tls.insecure_skip_verify
        return Access(
            connection=Connection(
                server=self._endpoint,
                authority=await self._content(self._authority) if verify else None,
                certificate=await self._content(self._tls.cert_file),
                key=await self._content(self._tls.key_file),
                verify=verify,
            ),
            authorization=self._authorization(),
        )

    def _authorization(self) -> str:
        if self._auth is not None and self._auth.bearer is not None:
            return bearer(self._auth.bearer.known_secret("token").reveal(), "auth.bearer")
        if self._auth is not None and self._auth.basic is not None:
            user = self._auth.basic
            return basic(user.username, user.known_secret("password").reveal())
        return ""

    async def _content(self, path: Path | None) -> bytes | None:
        return None if path is None else await read_file(path, MOST_BYTES, self._aside)
