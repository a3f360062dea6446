"""Log in with the token of a pod: RRSA, RAM Roles for Service Accounts of ACK.

Vendor page: "Use RRSA to authorize different pods to access different cloud services". The kubelet
replaces the token before it ends, so its file is read for each login.
"""

import re
from pathlib import Path

from exporter.auth.alibaba.sts import Role, Sts
from exporter.auth.credentials import Credentials
from exporter.errors import UnusableError
from exporter.files import read_text
from exporter.runtime import Wait

_TOKEN = re.compile(r"[\x21-\x7e]{1,20000}")
_MOST_BYTES = 64 * 1024


class OidcRole:
    """Temporary keys of a role that trusts the tokens in a file; to be cached by whoever asks."""

    def __init__(
        self, role: Role, *, provider_arn: str, token_file: Path, sts: Sts, aside: Wait
    ) -> None:
        self._role = role
        self._provider_arn = provider_arn
        self._token_file = token_file
        self._sts = sts
        self._aside = aside

    async def credentials(self) -> Credentials:
        """Log in anew.

        Raises UnusableError naming the file of the token when that cannot be used, and what `Sts`
        raises.
        """
        token = await self._token()
        return await self._sts.assume_with_oidc(self._role, self._provider_arn, token)

    async def _token(self) -> str:
        path = self._token_file
        try:
            token = (await self._aside(lambda: read_text(path, _MOST_BYTES), path)).strip()
        except OSError as exc:
            problem = (exc.strerror or "cannot be read").lower()
        except ValueError:
            problem = "not a token"
        else:
            if _TOKEN.fullmatch(token):
                return token
            problem = "not a token" if token else "the token is empty"
        # Raised out here: what decoding raises holds the text.
        raise UnusableError(f"OIDC token file {path}: {problem}")
