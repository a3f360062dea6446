"""Check passwords against their bcrypt hashes without holding anybody up.

A check takes a tenth of a second of a processor, on purpose. Therefore it is done once per user
and password, off the event loop, and by one thread of low priority: whoever floods the listener
with wrong passwords waits in a short queue with others like him, while users who are known already
are let in at once.
"""

import asyncio
import contextlib
import hashlib
import hmac
import os
import sys
import threading
from collections import Counter, OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import bcrypt

_MOST_WAITING = 16
_MOST_WAITING_OF_ONE = 4
_MOST_WRONG = 256
_LOWER_PRIORITY = 10
_BCRYPT_BYTES = 72
"""bcrypt looks at no more of a password; longer ones are cut as other servers cut them."""
_NOBODY = "." * 53


class CrowdedError(Exception):
    """Too many passwords wait to be checked already."""


class Passwords:
    """Who was found to have the right password, and who not.

    Nothing here can give a password back: what is remembered is a keyed hash with a key that is
    made anew by each process.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._right: dict[str, bytes] = {}
        self._wrong: OrderedDict[bytes, None] = OrderedDict()
        self._waiting: dict[bytes, asyncio.Future[bool]] = {}
        self._waiting_of: Counter[str] = Counter()
        self._thread = ThreadPoolExecutor(1, "passwords", initializer=_step_back)

    async def match(
        self, users: Mapping[str, bytes], user: str, password: bytes, *, client: str
    ) -> bool:
        """Say whether this is the user's password.

        A user who does not exist costs as much as one who does. Raises CrowdedError when too many
        wait already, of this client or of all.
        """
        hashed = users.get(user)
        # What is no user is checked against a hash that no password has.
        against = hashed if hashed is not None else _nobodys_hash(users)
        digest = self._digest(user, password, against)
        known = self._right.get(user)
        if known is not None and hashed is not None and hmac.compare_digest(known, digest):
            return True
        if digest in self._wrong:
            self._wrong.move_to_end(digest)
            return False
        right = await self._check(digest, password, against, client) and hashed is not None
        if right:
            self._right[user] = digest
        else:
            self._wrong[digest] = None
            while len(self._wrong) > _MOST_WRONG:
                self._wrong.popitem(last=False)
        return right

    def forget(self, users: Mapping[str, bytes]) -> None:
        """Forget whoever is not a user any more."""
        self._right = {name: digest for name, digest in self._right.items() if name in users}

    def close(self) -> None:
        """Stop checking; what waits is dropped."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _digest(self, user: str, password: bytes, hashed: bytes) -> bytes:
        parts = (user.encode(), password, hashed)
        text = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hmac.digest(self._key, text, hashlib.sha256)

    async def _check(self, digest: bytes, password: bytes, hashed: bytes, client: str) -> bool:
        # Of several requests with one password, as a browser sends them, one is checked for all.
        running = self._waiting.get(digest)
        if running is None:
            running = self._start(digest, password, hashed, client)
        return await asyncio.shield(running)

    def _start(
        self, digest: bytes, password: bytes, hashed: bytes, client: str
    ) -> asyncio.Future[bool]:
        crowded = len(self._waiting) >= _MOST_WAITING
        if crowded or self._waiting_of[client] >= _MOST_WAITING_OF_ONE:
            raise CrowdedError
        running = asyncio.get_running_loop().run_in_executor(
            self._thread, bcrypt.checkpw, password[:_BCRYPT_BYTES], hashed
        )
        self._waiting[digest] = running
        self._waiting_of[client] += 1

        def done(_: asyncio.Future[bool]) -> None:
            del self._waiting[digest]
            self._waiting_of[client] -= 1
            if not self._waiting_of[client]:
                del self._waiting_of[client]

        running.add_done_callback(done)
        return running


def _nobodys_hash(users: Mapping[str, bytes]) -> bytes:
    """Return a hash as dear as the dearest of the users'."""
    cost = max(hashed[4:6] for hashed in users.values())
    return b"$2b$" + cost + b"$" + _NOBODY.encode()


def _step_back() -> None:
    """Let everything else go first: on Linux each thread has a priority of its own."""
    # A sandbox may forbid it; passwords are checked all the same.
    with contextlib.suppress(OSError):
        if sys.platform == "linux":
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWER_PRIORITY)
