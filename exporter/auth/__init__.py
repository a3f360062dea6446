"""Prove to a platform who is asking: signatures, tokens, and where their secrets come from.

Signing is pure; each `httpx.Auth` is a thin layer over it. Everything that varies (clock, nonce,
environment, home directory, the way requests are sent) is a constructor argument.
"""

from collections.abc import Awaitable, Callable

import httpx

Send = Callable[[httpx.Request], Awaitable[httpx.Response]]
"""Send a login or metadata request as it is: no authentication, no redirects followed.

May raise FetchError or httpx.HTTPError when there is no answer.
"""
