"""Find the keys of what this program runs on: the role of a container, or of an EC2 instance.

Vendor pages: "Container credential provider" of the AWS SDKs and Tools Reference Guide, "Use the
Instance Metadata Service" of the EC2 User Guide. Version 2 of the latter wants a session token.
"""

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path

import httpx

from exporter.auth import Send, canonical, metadata
from exporter.auth.aws.sending import SendAs
from exporter.auth.credentials import Credentials, found_at
from exporter.auth.renewal import parse_expiry
from exporter.errors import CredentialError, Reason, UnusableError
from exporter.files import read_text
from exporter.runtime import Wait

CONTAINER = "GetContainerCredentials"
INSTANCE = "GetInstanceCredentials"
CONTAINER_HOST = "http://169.254.170.2"
_CONTAINER_PLACE, _INSTANCE_PLACE = "container credentials", "EC2 metadata"
_RELATIVE, _FULL = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"
_TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN"  # noqa: S105 - The name of a variable.
_TOKEN_FILE = f"{_TOKEN}_FILE"
_PLAIN_HOSTS = frozenset({"169.254.170.2", "169.254.170.23", "fd00:ec2::23", "localhost"})
"""Of ECS, and of EKS Pod Identity: an authorization may go to these without TLS."""
_ENDPOINT = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
_INSTANCE_V4, _INSTANCE_V6 = "http://169.254.169.254", "http://[fd00:ec2::254]"
_KEYS = "/latest/meta-data/iam/security-credentials/"
_MOST_TOKEN = 64 * 1024
_CONTAINER_SECONDS, _INSTANCE_SECONDS = 2.0, 1.0
"""As long as the vendor's own tools wait."""
_HEADER_TEXT = re.compile(r"[\x20-\x7e]+")
_ROLE_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")
_HOP_LIMIT = (
    "it gave no session token: in a container the hop limit of the instance's metadata "
    "options has to be 2"
)


class ContainerProvider:
    """The role of the task (ECS) or of the pod (EKS Pod Identity), as the environment names it."""

    def __init__(
        self, environ: Mapping[str, str], send: SendAs, *, aside: Wait, host: str = CONTAINER_HOST
    ) -> None:
        self._environ = environ
        self._send = send
        self._aside = aside
        self._host = host

    async def credentials(self) -> Credentials:
        """Fetch new keys.

        Raises CredentialError when no variable names a place, UnusableError when the one that is
        named cannot be used.
        """
        url = self._url()
        headers = {"Accept": "application/json", **await self._authorization()}
        try:
            response = await metadata.ask(
                _direct(self._send, CONTAINER, _CONTAINER_SECONDS),
                "GET",
                url,
                headers,
                place=_CONTAINER_PLACE,
            )
            if response.status_code != 200:
                raise CredentialError(f"{_CONTAINER_PLACE}: HTTP {response.status_code}")
            document = metadata.read_object(response, place=_CONTAINER_PLACE)
        except CredentialError as exc:
            # Somebody named it: the role of the machine is not what was meant.
            raise UnusableError(str(exc)) from None
        return _read_keys(_CONTAINER_PLACE, document)

    def _url(self) -> str:
        relative, full = self._environ.get(_RELATIVE), self._environ.get(_FULL)
        if relative:
            if not relative.startswith("/"):
                raise UnusableError(f"environment: {_RELATIVE} is no path")
            return _address(_RELATIVE, f"{self._host}{relative}")
        if not full:
            raise CredentialError(f"environment: neither {_RELATIVE} nor {_FULL} is set")
        url = httpx.URL(_address(_FULL, full))
        if url.scheme != "https" and not _is_near(url.host):
            raise UnusableError(
                f"environment: {_FULL} is plain HTTP to a host that is neither this machine nor "
                "the container's own service"
            )
        return full

    async def _authorization(self) -> dict[str, str]:
        file, token = self._environ.get(_TOKEN_FILE), self._environ.get(_TOKEN)
        if file:
            try:
                # Read anew each time: it is replaced before it expires.
                path = Path(file)
                token = await self._aside(lambda: read_text(path, _MOST_TOKEN), path)
            except OSError as exc:
                problem = (exc.strerror or "cannot be read").lower()
                raise UnusableError(f"{file}: {problem}") from None
            except UnicodeDecodeError:
                raise UnusableError(f"{file}: not a token") from None
        if not token:
            return {}
        if not _HEADER_TEXT.fullmatch(token):
            # A line break in it would begin another header.
            raise UnusableError(f"{file or _TOKEN}: holds what no header can carry")
        return {"Authorization": token}


class InstanceProvider:
    """The role of the EC2 instance, by version 2 of its metadata service, else by version 1."""

    def __init__(self, environ: Mapping[str, str], send: SendAs, *, url: str | None = None) -> None:
        self._environ = environ
        self._send = _direct(send, INSTANCE, _INSTANCE_SECONDS)
        self._given_url = url

    @property
    def _url(self) -> str:
        return self._given_url or _instance_url(self._environ)

    async def credentials(self) -> Credentials:
        """Fetch new keys; raises CredentialError when the service has none or is not there."""
        if _is_on(self._environ, "AWS_EC2_METADATA_DISABLED"):
            raise CredentialError(f"{_INSTANCE_PLACE}: disabled by AWS_EC2_METADATA_DISABLED")
        session = await self._session()
        role = await self._role(session)
        response = await self._get(canonical.encode(role), session)
        if response.status_code != 200:
            raise CredentialError(
                f"{_INSTANCE_PLACE}: HTTP {response.status_code} for the role's keys"
            )
        document = metadata.read_object(response, place=_INSTANCE_PLACE)
        if not _text(document, "AccessKeyId"):
            # With status 200, and a code and a message in place of keys.
            raise CredentialError(f"{_INSTANCE_PLACE}: the role of this instance cannot be used")
        return _read_keys(_INSTANCE_PLACE, document)

    async def _session(self) -> dict[str, str] | None:
        """Return the header of version 2; none for version 1, None when nobody answered."""
        request_headers = {"x-aws-ec2-metadata-token-ttl-seconds": metadata.SESSION_SECONDS}
        url = f"{self._url}/latest/api/token"
        version_1 = not _is_on(self._environ, "AWS_EC2_METADATA_V1_DISABLED")
        try:
            response = await metadata.ask(
                self._send, "PUT", url, request_headers, place=_INSTANCE_PLACE
            )
        except CredentialError as exc:
            if not _timed_out(exc) or not version_1:
                raise _hint(exc) from None
            # Its answers travel so many hops and no more: that it is silent does not mean that
            # there is no role. Version 1 has no such limit.
            return None
        if response.status_code == 200:
            return {
                "x-aws-ec2-metadata-token": metadata.read_session(response, place=_INSTANCE_PLACE)
            }
        if response.status_code in {403, 404, 405} and version_1:
            return {}
        raise CredentialError(f"{_INSTANCE_PLACE}: HTTP {response.status_code} for a session token")

    async def _role(self, session: Mapping[str, str] | None) -> str:
        try:
            response = await self._get("", session)
        except CredentialError as exc:
            raise (_hint(exc) if session is None else exc) from None
        if response.status_code == 401 and session is None:
            raise CredentialError(f"{_INSTANCE_PLACE}: {_HOP_LIMIT}")
        name = metadata.read_text(response) if response.status_code == 200 else ""
        if not _ROLE_NAME.fullmatch(name):
            raise CredentialError(f"{_INSTANCE_PLACE}: no role is attached to this instance")
        return name

    async def _get(self, role: str, session: Mapping[str, str] | None) -> httpx.Response:
        url = f"{self._url}{_KEYS}{role}"
        return await metadata.ask(self._send, "GET", url, session or {}, place=_INSTANCE_PLACE)


def _address(name: str, text: str) -> str:
    """Return the address that a variable holds; raises UnusableError when it is none."""
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host:
        raise UnusableError(f"environment: {name} is no address")
    return text


def _instance_url(environ: Mapping[str, str]) -> str:
    given = environ.get(_ENDPOINT)
    if given:
        return _address(_ENDPOINT, given).rstrip("/")
    mode = environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "")
    return _INSTANCE_V6 if mode.casefold() == "ipv6" else _INSTANCE_V4


def _hint(exc: CredentialError) -> CredentialError:
    return CredentialError(f"{exc}; {_HOP_LIMIT}") if _timed_out(exc) else exc


def _timed_out(exc: CredentialError) -> bool:
    return Reason.TIMEOUT.value in str(exc).casefold()


def _direct(send: SendAs, operation: str, seconds: float) -> Send:
    """Send past any proxy, which must not see what is for this machine alone.

    Where there is no such service nobody answers: what is done instead has to come soon.
    """

    async def send_within(request: httpx.Request) -> httpx.Response:
        return await send(request, operation, direct=True, within=seconds)

    return send_within


def _is_near(host: str) -> bool:
    if host in _PLAIN_HOSTS:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_on(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "").casefold() == "true"


def _text(document: Mapping[str, object], name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""


def _read_keys(place: str, document: Mapping[str, object]) -> Credentials:
    try:
        expires_at = parse_expiry(document.get("Expiration"))
    except ValueError:
        raise UnusableError(f"{place}: the role's keys have no readable expiry") from None
    return found_at(
        place,
        _text(document, "AccessKeyId"),
        _text(document, "SecretAccessKey"),
        _text(document, "Token"),
        expires_at,
    )
