"""Find credentials with Alibaba Cloud's own library: JSON lines in, JSON lines out.

Run by tests/auth/alibaba/test_oracle.py with the interpreter of .venv-oracle. Each case has a port
on loopback, a home and an environment. Whatever host the library asks is asked at that port, in the
clear, with its name in the header Host; nothing else about the library is changed. It reads its
environment as it is imported, so each case has a process of its own.
"""

import json
import logging
import os
import sys
from typing import Any
from urllib.parse import urlsplit

import aiofiles  # type: ignore[import-untyped]  # noqa: F401  All that is slow to import.
import apscheduler.schedulers.background  # type: ignore[import-not-found]  # noqa: F401
import requests  # type: ignore[import-untyped]
from requests.adapters import HTTPAdapter  # type: ignore[import-untyped]
from Tea.core import TeaCore  # type: ignore[import-not-found]


class Loopback(HTTPAdapter):  # type: ignore[misc]
    """Sends every request to one port of this machine."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    def send(self, request: requests.PreparedRequest, *given: Any, **options: Any) -> Any:
        parts = urlsplit(str(request.url))
        request.headers["Host"] = parts.netloc
        query = f"?{parts.query}" if parts.query else ""
        request.url = f"http://127.0.0.1:{self._port}{parts.path}{query}"
        options["proxies"] = {}
        return super().send(request, *given, **options)


class Sessions(dict[str, requests.Session]):
    """The library's sessions by host: one for all of them."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._session = requests.Session()
        self._session.mount("http://", Loopback(port))
        self._session.mount("https://", Loopback(port))

    def __contains__(self, host: object) -> bool:
        return True

    def __getitem__(self, host: str) -> requests.Session:
        return self._session


def find(case: dict[str, Any]) -> dict[str, str]:
    """Return what the library finds, or why it finds nothing."""
    os.environ.clear()
    os.environ.update(case["environ"] | {"HOME": case["home"]})
    TeaCore._sessions = Sessions(case["port"])
    logging.disable(logging.CRITICAL)
    from alibabacloud_credentials.provider import (  # type: ignore[import-not-found]
        DefaultCredentialsProvider,
    )

    try:
        keys = DefaultCredentialsProvider().get_credentials()
    except Exception as exc:
        return {"problem": str(exc)}
    return {
        "access_key": keys.get_access_key_id(),
        "secret_key": keys.get_access_key_secret(),
        "security_token": keys.get_security_token() or "",
    }


for line in sys.stdin:
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        sys.stdout.write(json.dumps(find(json.loads(line))) + "\n")
        sys.stdout.flush()
        # Without waiting for the library's threads.
        os._exit(0)
    os.waitpid(child, 0)
