"""Resolve names to addresses that the rules allow, and to no others."""

import socket

from aiohttp.abc import AbstractResolver, ResolveResult

from exporter.upstream.addresses import AddressRules, ForbiddenAddressError


class CheckedResolver(AbstractResolver):
    """Resolve names, and leave out of what they mean whatever is refused."""

    def __init__(self, rules: AddressRules, inner: AbstractResolver) -> None:
        self._rules = rules
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a name. Raises OSError when none may be connected to."""
        found = await self._inner.resolve(host, port, family)
        refusals = [self._rules.refusal(each["host"]) for each in found]
        allowed = [each for each, why in zip(found, refusals, strict=True) if not why]
        if found and not allowed:
            raise ForbiddenAddressError(f"its name leads to {refusals[0]}")
        return allowed

    async def close(self) -> None:
        """Close what resolves."""
        await self._inner.close()
