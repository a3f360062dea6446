"""Say where JobManagers are and what they are shown, and which resources are chosen by name."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, model_validator
from pydantic_core import PydanticCustomError

from exporter.auth.kubernetes_pod import is_pods_own, pod_server
from exporter.auth.settings import FlinkAuthSettings, KubernetesAuthSettings
from exporter.model import JobKey
from exporter.settings import Section, is_endpoint
from exporter.source import Pattern, TlsSettings

_NAME = re.compile(r"(sessionjob/)?[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
PLACES = re.compile(r"\{(name|namespace|port)\}")
"""What stands for something else in the address of a JobManager."""


def _address(text: str) -> str:
    example = PLACES.sub("1", text)
    if "{" in example or "}" in example or not is_endpoint(example):
        raise PydanticCustomError(
            "address",
            "expected http(s)://host[:port][/path] with {places}",
            {"places": "{name}, {namespace} and {port} in it"},
        )
    if "{name}" not in text:
        raise PydanticCustomError("address", "one address for all clusters: expected a name in it")
    return text.rstrip("/")


class JobManagerSettings(Section):
    """How JobManagers are asked: where each is, which secret it gets, how it is checked."""

    address: Annotated[str, AfterValidator(_address)] | None = None
    auth: FlinkAuthSettings | None = None
    hosts: tuple[Pattern, ...] = ()
    tls: TlsSettings = TlsSettings()

    @model_validator(mode="after")
    def _secrets_stay_within_hosts(self) -> Self:
        if (self.auth is None) != (not self.hosts):
            raise PydanticCustomError(
                "hosts", "auth and hosts go together: hosts says which JobManagers get the secret"
            )
        return self


def split_ids(ids: tuple[str, ...], namespaces: tuple[str, ...]) -> tuple[JobKey, ...]:
    """Read configured ids: `namespace/name`, or just `name` when there is one namespace.

    Raises PydanticCustomError when an id does not say where it belongs.
    """
    found = []
    for text in ids:
        namespace, name = namespaces[0] if len(namespaces) == 1 else "", text
        first, slash, rest = text.partition("/")
        if (slash and first != "sessionjob") or text.count("/") > 1:
            namespace, name = first, rest
        if (
            not namespace
            or not _NAME.fullmatch(name)
            or (namespaces and namespace not in namespaces)
        ):
            raise PydanticCustomError(
                "ids",
                "jobs.ids: expected namespace/name or namespace/sessionjob/name, "
                "of a namespace of this source: {id}",
                {"id": text},
            )
        found.append(JobKey(project=namespace, job_id=name))
    return tuple(dict.fromkeys(found))


def usual_details(
    managers: JobManagerSettings,
    endpoint: str | None,
    auth: KubernetesAuthSettings | None,
    environ: Mapping[str, str],
) -> Literal["rest", "none"]:
    """Choose where details come from: JobManagers are reached within their cluster only."""
    if managers.address is not None:
        return "rest"
    within = endpoint is None or is_pods_own(endpoint, environ)
    elsewhere = auth is not None and auth.kubeconfig is not None
    return "rest" if within and not elsewhere and pod_server(environ) else "none"
