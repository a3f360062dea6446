"""Read the profile file of Huawei Cloud's SDK: keys, or an identity provider, in section [basic].

Vendor page: "Credentials management" of huaweicloud-sdk-python-v3. An identity provider with its
token file comes before a key, as in the SDK. What stands there by halves is named, where the SDK
would pass it over.
"""

from pathlib import Path

from exporter.auth.cached_file import CachedFile, parse_ini
from exporter.auth.credentials import CredentialProvider, Credentials, Refreshing, found_at
from exporter.auth.huawei.federation import FederationProvider
from exporter.auth.huawei.token_file import TokenFile
from exporter.auth.huawei.trading import Surroundings
from exporter.errors import UnusableError
from exporter.settings import is_endpoint

_SECTION = "basic"


class ProfileProvider:
    """Who the section [basic] of an INI file says one is."""

    def __init__(self, path: Path, around: Surroundings, *, named: bool = False) -> None:
        self._file = CachedFile(path, parse_ini, aside=around.aside, named=named)
        self._around = around
        self._federation: tuple[tuple[str, str, str], CredentialProvider] | None = None

    async def credentials(self) -> Credentials:
        """Return the keys of the file, or those that its identity provider stands for.

        Raises CredentialError naming the file when it is not there, UnusableError when what it
        holds cannot be used, FetchError when IAM refuses it.
        """
        path = self._file.path
        section = (await self._file.read()).get(_SECTION)
        if section is None:
            raise UnusableError(f"{path}: no section [{_SECTION}]")
        idp_id, token_file = section.get("idp_id", ""), section.get("id_token_file", "")
        if idp_id and token_file:
            return await self._federated(idp_id, token_file, section.get("iam_endpoint", ""))
        if idp_id or token_file:
            given, lacking = ("idp_id", "id_token_file")[:: 1 if idp_id else -1]
            raise UnusableError(f"{path}: {given} without {lacking} in [{_SECTION}]")
        access_key, secret_key = section.get("ak", ""), section.get("sk", "")
        if not access_key or not secret_key:
            raise UnusableError(
                f"{path}: neither ak and sk nor idp_id and id_token_file in [{_SECTION}]"
            )
        return found_at(str(path), access_key, secret_key, section.get("security_token", ""))

    async def _federated(self, *said: str) -> Credentials:
        idp_id, token_file, iam = said
        if iam and not is_endpoint(iam):
            raise UnusableError(f"{self._file.path}: iam_endpoint in [{_SECTION}] is no address")
        # Keys are kept until they end, or until the file says something else.
        if self._federation is None or self._federation[0] != (idp_id, token_file, iam):
            around = self._around
            provider = FederationProvider(
                idp_id,
                TokenFile(token_file, aside=around.aside).read,
                iam=iam or around.iam,
                send=around.send,
                clock=around.clock,
            )
            kept = Refreshing(provider, clock=around.clock, margin=around.margin)
            self._federation = (idp_id, token_file, iam), kept
        return await self._federation[1].credentials()
