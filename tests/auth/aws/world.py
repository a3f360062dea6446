"""A machine in the simulated Amazon: its environment, its files, its metadata, and STS."""

import asyncio
from pathlib import Path

import httpx
import pytest

from exporter.auth.aws.chain import Identities
from exporter.auth.aws.settings import AwsAuthSettings
from exporter.auth.credentials import CredentialProvider, Credentials
from exporter.errors import ExporterError
from exporter.files import at_once
from exporter.simulator.aws import metadata, sts
from exporter.simulator.aws.access import AwsAccess, AwsKey
from exporter.simulator.fault_injection import FaultInjection
from tests.auth.tools import MARK, Clock, everything_told

ROLE, OTHER_ROLE = (f"arn:aws:iam::123456789012:role/{name}" for name in ("reader", "other"))
SECRET = f"{MARK}-secret"
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "AKENV", "AWS_SECRET_ACCESS_KEY": SECRET}


class Machine:
    """Everything that a chain looks at; `calls` are the operations that were sent."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environ: dict[str, str] = {}
        self.clock = Clock()
        self.access = AwsAccess(
            *(AwsKey(key_id=name, secret=SECRET) for name in ("AKENV", "AKFILE")),
            roles={ROLE: "", OTHER_ROLE: "x1"},
            web_tokens={f"{MARK}-web"},
        )
        self.faults = FaultInjection()
        self.sts_endpoint: str | None = "https://sts.test"
        self.calls: list[str] = []
        self.direct: list[str] = []
        self.silent: set[str] = set()
        """Methods that the metadata service leaves without an answer."""
        self.serve_metadata()

    def serve_metadata(self, **settings: object) -> None:
        build = {"faults": self.faults, "clock": self.clock, "access": self.access, **settings}
        self._machine = httpx.ASGITransport(app=metadata.build(**build))  # type: ignore[arg-type]
        app = sts.build(faults=self.faults, clock=self.clock, access=self.access)
        self._sts = httpx.ASGITransport(app=app)

    def write(self, name: str, text: str) -> Path:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    async def send(
        self,
        request: httpx.Request,
        operation: str,
        *,
        auth: httpx.Auth | None = None,
        direct: bool = False,
        within: float | None = None,
    ) -> httpx.Response:
        self.calls.append(operation)
        if direct:
            self.direct.append(request.url.host)
            if request.method in self.silent:
                raise httpx.ReadTimeout("timeout", request=request)
        carrier = self._machine if direct else self._sts
        async with httpx.AsyncClient(transport=carrier) as client:
            return await client.send(request, auth=auth)

    def provider(self, **auth: object) -> CredentialProvider:
        identities = Identities(
            environ=self.environ,
            home=self.home,
            region="eu-west-1",
            sts_endpoint=self.sts_endpoint,
            send=self.send,
            aside=at_once,
            clock=self.clock,
        )
        return identities.of(AwsAuthSettings.model_validate(auth) if auth else None)

    def found(self, **auth: object) -> Credentials:
        return asyncio.run(self.provider(**auth).credentials())

    def problem(self, **auth: object) -> str:
        with pytest.raises(ExporterError) as caught:
            self.found(**auth)
        assert MARK not in everything_told(caught.value)
        return str(caught.value)

    def secret_of(self, credentials: Credentials) -> str:
        """Return what the simulated account thinks is the secret of a key."""
        return self.access.keys[credentials.access_key].secret
