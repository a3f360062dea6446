"""Old versions of TLS are not spoken, not even without verification."""

import asyncio
import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest

from exporter.errors import FetchError, Reason
from tests.faults.authority import Authority
from tests.upstream.security.sockets import ask


@contextlib.contextmanager
def _openssl_server(authority: Authority, *flags: str) -> Iterator[int]:
    """Run openssl's own server, which answers any request with a page."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    papers = ("-cert", "good.pem", "-key", "good_key.pem", "-cipher", "ALL:@SECLEVEL=0")
    with subprocess.Popen(
        ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-www", "-quiet", *papers, *flags],
        cwd=authority.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            for _ in range(200):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.02)
            yield port
        finally:
            process.kill()


def _spoken(authority: Authority, port: int) -> str:
    """Return what openssl's own client, told to take anything, agrees on with a server."""
    shown = subprocess.run(
        [
            *("openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", "ca.pem"),
            *("-min_protocol", "TLSv1", "-cipher", "ALL:@SECLEVEL=0"),
        ],
        cwd=authority.folder,
        input="",
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    ).stdout
    lines = (line.strip() for line in shown.splitlines())
    return next(line.partition(":")[2].strip() for line in lines if line.startswith("Protocol"))


@pytest.mark.parametrize(("flag", "name"), [("-tls1", "TLSv1"), ("-tls1_1", "TLSv1.1")])
@pytest.mark.parametrize("verified", [True, False])
def test_server_that_speaks_only_old_tls_is_refused_even_without_verification(
    authority: Authority, flag: str, name: str, verified: bool
) -> None:
    tls = {"ca_file": authority.ca_file} if verified else {"insecure_skip_verify": True}
    with _openssl_server(authority, flag) as port:
        assert _spoken(authority, port) == name
        with pytest.raises(FetchError) as caught:
            asyncio.run(ask(f"https://127.0.0.1:{port}", tls=tls))
    assert caught.value.reason is Reason.TLS


@pytest.mark.parametrize("flag", ["-tls1_2", "-tls1_3"])
def test_server_that_speaks_new_tls_is_listened_to(authority: Authority, flag: str) -> None:
    with _openssl_server(authority, flag) as port, pytest.raises(FetchError) as caught:
        asyncio.run(ask(f"https://127.0.0.1:{port}", tls={"ca_file": authority.ca_file}))
    # It answers with a page about the connection: TLS was well.
    assert caught.value.reason is Reason.INVALID_RESPONSE
