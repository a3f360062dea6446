"""Wear a role that others may assume: what vendors have in common, whatever their STS is asked."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from exporter.auth.credentials import CredentialProvider, Credentials

T = TypeVar("T")

_LONGEST_MARGIN = 900.0


class AssumedRole:
    """Temporary keys of a role that others may assume; to be cached by whoever asks.

    `assume` exchanges the keys of the others for those of the role.
    """

    def __init__(
        self,
        others: CredentialProvider,
        assume: Callable[[Credentials], Awaitable[Credentials]],
    ) -> None:
        self._others = others
        self._assume = assume

    async def credentials(self) -> Credentials:
        """Assume the role anew.

        Raises CredentialError when there are no keys to do so with, and what `assume` raises.
        """
        return await self._assume(await self._others.credentials())


def margin_of(seconds: int) -> float:
    """Return how many seconds before their end keys that live for so long are renewed.

    As most SDKs do. That of Tencent Cloud renews when a tenth of their life is over, which is a
    slip of its formula.
    """
    return min(_LONGEST_MARGIN, seconds / 4)


def by_segments(code: str, meanings: Mapping[str, T]) -> T | None:
    """Return what is known of a code, by the most of its first segments that anything is known of.

    `EntityNotExist.Role` is looked for, then `EntityNotExist`.
    """
    segments = code.split(".")
    for length in range(len(segments), 0, -1):
        found = meanings.get(".".join(segments[:length]))
        if found is not None:
            return found
    return None
