"""Take keys from whatever stands at ALIBABA_CLOUD_CREDENTIALS_URI, such as a sidecar.

Vendor page: "Manage access credentials", URI credentials: a GET is answered with Code, AccessKeyId,
AccessKeySecret, SecurityToken and Expiration.
"""

import re

import httpx

from exporter.auth import metadata
from exporter.auth.alibaba import Send
from exporter.auth.alibaba.asking import ask
from exporter.auth.alibaba.sts_answers import parse_keys
from exporter.auth.credentials import Credentials
from exporter.errors import CredentialError, UnusableError
from exporter.settings import has_an_address

OPERATION = "CredentialsURI"
_ADDRESS = re.compile(r"https?://[^/?#@\s\\]+([/?](?:(?!#)[!-~])*)?")


class UriProvider:
    """The keys that are handed out at an address; to be cached by whoever asks."""

    def __init__(self, variable: str, address: str, send: Send) -> None:
        """Take the address and the variable that names it."""
        self._place = f"environment: {variable}"
        self._address = address
        self._send = send

    async def credentials(self) -> Credentials:
        """Fetch new keys; raises FetchError without an answer, UnusableError when it has none."""
        request = self._request()
        # In the clear, no proxy is to see the keys.
        direct = request.url.scheme == "http"
        response = await ask(self._send, request, OPERATION, direct=direct)
        if response.status_code != 200:
            raise UnusableError(f"{self._place}: HTTP {response.status_code} for keys")
        try:
            document = metadata.read_object(response)
            if document.get("Code") != "Success":
                raise CredentialError(f"{self._place}: the keys came without success")
            return parse_keys(document, self._place)
        except CredentialError as exc:
            told = str(exc).replace(metadata.PLACE, self._place)
        raise UnusableError(told)

    def _request(self) -> httpx.Request:
        # Not quoted when it is none: it may hold a password.
        if not (_ADDRESS.fullmatch(self._address) and has_an_address(self._address)):
            raise UnusableError(f"{self._place} is no http(s)://host[:port][/path] without a user")
        return httpx.Request("GET", self._address, headers={"Accept": "application/json"})
