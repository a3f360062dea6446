"""Who may shake hands with the listener, and with which certificate it does."""

import asyncio
import contextlib
import shutil
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from exporter.listening.connections import Connections
from exporter.listening.protection import Protection, WatchedProtection
from exporter.listening.tls import allowed
from exporter.serving.server import serving
from exporter.telemetry.telemetry import Telemetry
from tests.auth.tools import Clock
from tests.listening.certificates import Papers, make_papers
from tests.recording import RecordingLog

SERVER = "cert_file: server.pem, key_file: server.key"
VERIFIED = f"{SERVER}, client_ca_file: ca.pem, client_auth_type: RequireAndVerifyClientCert"
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    body = scope["scheme"].encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class House:
    """A server behind TLS, and the files that say how."""

    def __init__(self, folder: Path, text: str) -> None:
        self.folder = folder
        self.clock = Clock(0.0)
        self.write(text)
        self.protection = WatchedProtection(
            folder / "web.yml", log=RecordingLog(), outcome=Telemetry()
        )
        self.connections = Connections(monotonic=self.clock, most=20)
        self.port = 0

    def write(self, text: str) -> None:
        (self.folder / "web.yml").write_text(f"tls_server_config: {{{text}}}\n")

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
            known: Callable[[], Protection] = self.protection
            async with serving(app, [listener], connections=self.connections, protection=known):
                yield

    def client(self, name: str | None = None, ca: str = "ca") -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.folder / f"{ca}.pem")
        if name is not None:
            context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        return context

    async def ask(self, context: ssl.SSLContext) -> tuple[bytes, ssl.SSLObject]:
        """Make a request over a new connection; raises OSError when there is no answer."""
        reader, writer = await asyncio.open_connection(
            "localhost", self.port, ssl=context, family=socket.AF_INET
        )
        try:
            writer.write(GET)
            async with asyncio.timeout(20):
                try:
                    head = await reader.readuntil(b"\r\n\r\n")
                    body = await reader.readexactly(int(head.split(b"content-length: ")[1][:1]))
                except asyncio.IncompleteReadError:
                    raise ConnectionResetError from None
            return body, writer.get_extra_info("ssl_object")
        finally:
            writer.close()

    async def refuses(self, context: ssl.SSLContext) -> bool:
        try:
            await self.ask(context)
        except OSError:
            return True
        return False


@pytest.fixture(name="papers", scope="module")
def _papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    papers = make_papers(tmp_path_factory.mktemp("papers"))
    papers.authority("other")
    papers.signed("stranger", by="other", sans="DNS:prometheus.example")
    papers.signed("renewed")
    return papers


@pytest.fixture(name="folder")
def _folder(papers: Papers, tmp_path: Path) -> Path:
    for path in papers.folder.glob("*.*"):
        shutil.copy(path, tmp_path)
    return tmp_path


def scene(folder: Path, text: str, body: Callable[[House], Coroutine[Any, Any, None]]) -> None:
    async def play() -> None:
        house = House(folder, text)
        async with house.open():
            await body(house)

    asyncio.run(play())


def test_answers_come_over_tls_1_3_by_the_authority_that_is_trusted(folder: Path) -> None:
    async def body(house: House) -> None:
        answer, line = await house.ask(house.client())
        assert (answer, line.version()) == (b"https", "TLSv1.3")
        assert line.selected_alpn_protocol() is None
        assert await house.refuses(house.client(ca="other"))
        offering = house.client()
        offering.set_alpn_protocols(["h2", "http/1.1"])
        assert (await house.ask(offering))[1].selected_alpn_protocol() == "http/1.1"

    scene(folder, SERVER, body)


def test_versions_are_those_asked_for(folder: Path) -> None:
    async def body(house: House) -> None:
        older = house.client()
        older.maximum_version = ssl.TLSVersion.TLSv1_2
        assert await house.refuses(older)
        assert not await house.refuses(house.client())

    scene(folder, f"{SERVER}, min_version: TLS13", body)


def test_suite_is_the_servers_choice(folder: Path) -> None:
    names = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"

    async def body(house: House) -> None:
        older = house.client()
        older.maximum_version = ssl.TLSVersion.TLSv1_2
        older.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305")
        cipher = (await house.ask(older))[1].cipher()
        assert cipher is not None
        assert cipher[0] == "ECDHE-ECDSA-CHACHA20-POLY1305"
        older.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384")
        assert await house.refuses(older)

    scene(folder, f"{SERVER}, cipher_suites: [{names}]", body)


def test_only_clients_with_a_certificate_of_the_authority_come_in(folder: Path) -> None:
    async def body(house: House) -> None:
        assert not await house.refuses(house.client("client"))
        assert await house.refuses(house.client())
        assert await house.refuses(house.client("stranger"))

    scene(folder, VERIFIED, body)


def test_who_is_not_let_in_is_told_why(folder: Path) -> None:
    async def body(house: House) -> None:
        for name, reason in ((None, "CERTIFICATE_REQUIRED"), ("stranger", "UNKNOWN_CA")):
            with pytest.raises(ssl.SSLError) as caught:
                await house.ask(house.client(name))
            assert reason in str(caught.value.reason)
        older = house.client("client")
        older.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises(ssl.SSLError) as caught:
            await house.ask(older)
        assert "PROTOCOL_VERSION" in str(caught.value.reason)
        await until(lambda: len(house.connections) == 0)

    scene(folder, f"{VERIFIED}, min_version: TLS13", body)


def test_who_goes_on_after_his_handshake_has_failed_is_ended(folder: Path) -> None:
    async def body(house: House) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        for _ in range(3):
            writer.write(GET)
            await asyncio.sleep(0.02)
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()
        await until(lambda: len(house.connections) == 0)

    scene(folder, SERVER, body)


def test_certificate_that_is_optional_is_verified_if_given(folder: Path) -> None:
    async def body(house: House) -> None:
        assert not await house.refuses(house.client("client"))
        assert not await house.refuses(house.client())
        assert await house.refuses(house.client("stranger"))

    scene(folder, VERIFIED.replace("RequireAndVerifyClientCert", "VerifyClientCertIfGiven"), body)


@pytest.mark.parametrize(
    ("names", "comes_in"),
    [
        ("prometheus.example", True),
        ("other.example, p@example.com", True),
        ("'2001:db8:0::1'", True),
        ("Prometheus.example", False),
        ("example", False),
        ("'*'", False),
        ("", False),
    ],
)
def test_certificate_needs_one_of_the_names(folder: Path, names: str, comes_in: bool) -> None:
    async def body(house: House) -> None:
        assert await house.refuses(house.client("client")) is not comes_in
        await until(lambda: len(house.connections) == 0)

    scene(folder, f"{VERIFIED}, client_allowed_sans: [{names}]", body)


def test_certificate_without_names_has_none_that_is_asked_for() -> None:
    assert not allowed({}, frozenset({"a"}))
    assert not allowed(None, frozenset({"a"}))
    assert allowed(None, None)


def test_renewed_certificate_is_shown_to_the_next_connection(folder: Path) -> None:
    async def body(house: House) -> None:
        async def shown() -> Any:
            return (await house.ask(house.client()))[1].getpeercert(binary_form=True)

        before = await shown()
        for kind in ("key", "pem"):
            shutil.copy(folder / f"renewed.{kind}", folder / f"server.{kind}")
        assert await shown() == before
        house.protection.look()
        after = await shown()
        pem = (folder / "renewed.pem").read_text()
        assert after == ssl.PEM_cert_to_DER_cert(pem) != before

    scene(folder, SERVER, body)


def test_connection_kept_open_ends_when_its_authority_is_trusted_no_more(folder: Path) -> None:
    async def body(house: House) -> None:
        reader, writer = await asyncio.open_connection(
            "localhost", house.port, ssl=house.client("client"), family=socket.AF_INET
        )
        writer.write(GET)
        assert await reader.readuntil(b"https")
        shutil.copy(folder / "other.pem", folder / "ca.pem")
        house.protection.look()
        writer.write(GET)
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()
        shutil.copy(folder / "server.pem", folder / "pinned.pem")
        assert await house.refuses(house.client("client"))
        assert not await house.refuses(_trusting(house, "stranger", folder))

    scene(folder, VERIFIED, body)


def _trusting(house: House, name: str, folder: Path) -> ssl.SSLContext:
    """Return a client that takes any server: its authority was replaced above."""
    context = house.client(name)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def test_session_of_the_old_rules_is_not_resumed(folder: Path) -> None:
    async def body(house: House) -> None:
        context = house.client("client")
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        session = (await house.ask(context))[1].session
        assert session is not None
        house.write(VERIFIED + ", client_allowed_sans: [nobody.example]")
        house.protection.look()
        raw = socket.create_connection(("127.0.0.1", house.port))

        def resume() -> bool:
            shaken = False
            with (
                contextlib.suppress(OSError),
                context.wrap_socket(raw, server_hostname="localhost", session=session) as line,
            ):
                shaken = bool(line.session_reused)
                line.settimeout(20)
                line.sendall(GET)
                return shaken or bool(line.recv(100))
            return shaken

        assert not await asyncio.to_thread(resume)

    scene(folder, VERIFIED, body)


def test_plain_request_and_nonsense_get_no_answer(folder: Path) -> None:
    async def body(house: House) -> None:
        for data in (GET, b"\x16\x03\x01\x00\x05hello", b"\0" * 5000):
            reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
            writer.write(data)
            writer.write_eof()
            with contextlib.suppress(ConnectionError):
                # At most a few bytes of a TLS alert.
                assert b"HTTP" not in await reader.read()
            writer.close()
        await until(lambda: len(house.connections) == 0)
        assert not await house.refuses(house.client())

    scene(folder, SERVER, body)


def test_handshake_that_never_ends_is_ended_and_counted(folder: Path) -> None:
    async def body(house: House) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        await until(lambda: len(house.connections) == 1)
        house.clock.now += 10.1
        house.connections.sweep()
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()
        assert len(house.connections) == 0
        # Whoever leaves by himself is forgotten as well.
        _, writer = await asyncio.open_connection("127.0.0.1", house.port)
        await until(lambda: len(house.connections) == 1)
        writer.close()
        await until(lambda: len(house.connections) == 0)

    scene(folder, SERVER, body)


def test_many_who_never_shake_hands_do_not_keep_others_out(folder: Path) -> None:
    async def body(house: House) -> None:
        lazy = [await asyncio.open_connection("127.0.0.1", house.port) for _ in range(60)]
        for _ in range(5):
            assert not await house.refuses(house.client())
        assert len(house.connections) <= 20
        for _, writer in lazy:
            writer.close()

    scene(folder, SERVER, body)


def test_listener_that_is_full_of_answers_shakes_no_hands(folder: Path) -> None:
    async def body(house: House) -> None:
        full = Connections(monotonic=house.clock, most=0)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            house.port = listener.getsockname()[1]
            async with serving(app, [listener], connections=full, protection=house.protection):
                assert await house.refuses(house.client())
                assert len(full) == 0

    scene(folder, SERVER, body)


async def until(fact: Callable[[], bool]) -> None:
    """Wait until something is so that nobody tells of."""
    async with asyncio.timeout(20):
        while not fact():  # noqa: ASYNC110
            await asyncio.sleep(0.001)
