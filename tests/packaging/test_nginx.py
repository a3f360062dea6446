"""The configurations of nginx in the chapter about proxies work, before a real exporter."""

import re
import shutil
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from tests.e2e.exporter_process import free_port
from tests.e2e.listener_program import TOKEN, Program
from tests.edge.receivers import body, entry
from tests.flink_cluster.process import GuardedProcess
from tests.listening.certificates import HASH, PASSWORD, Papers
from tests.packaging.tools import ROOT

pytestmark = [pytest.mark.packaging]

CHAPTER = (ROOT / "docs" / "behind-a-proxy.md").read_text()
WITH_PREFIX, WITH_CERTIFICATES = re.findall(r"```nginx\n(.*?)```", CHAPTER, re.DOTALL)
WEB = next(
    block for block in re.findall(r"```yaml\n(.*?)```", CHAPTER, re.DOTALL) if "client_ca" in block
)
REPORT = "/v1/p/edgesrv/job-report"


def _nginx() -> str:
    found = shutil.which("nginx") or ROOT / ".cache" / "nginx" / "usr" / "sbin" / "nginx"
    assert Path(found).exists(), "run: scripts/setup-debian packaging"
    return str(found)


@pytest.fixture(name="papers", scope="module")
def _papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    papers = Papers(tmp_path_factory.mktemp("papers"))
    for name in ("ca", "people-ca", "clients-ca", "exporter-ca"):
        papers.authority(name)
    papers.signed("streams")
    papers.signed("person", by="people-ca")
    papers.signed("exporter", by="exporter-ca", sans="DNS:exporter.example")
    papers.signed("proxy", by="clients-ca", sans="DNS:proxy.example")
    papers.signed("agent", by="clients-ca", sans="DNS:agent.example")
    (papers.folder / "streams.users").write_text(f"ann:{HASH}\n")
    return papers


@contextmanager
def _proxy(block: str, papers: Papers, program: Program, folder: Path) -> Iterator[str]:
    """Run nginx with a block of the chapter, where its files and ports are those of the test."""
    port = free_port()
    text = block.replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
    text = text.replace("/etc/nginx/", f"{papers.folder}/")
    for address in ("127.0.0.1:10370", "exporter.example:10370"):
        text = text.replace(address, f"127.0.0.1:{program.port}")
    own = "".join(
        f"  {name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\nerror_log stderr;\n"
        f"events {{}}\nhttp {{\n  access_log off;\n{own}{text}}}\n"
    )
    command = (_nginx(), "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf"))
    process = GuardedProcess(command, log=folder / "nginx.log", environ={})
    try:
        _wait_for(port)
        yield f"https://127.0.0.1:{port}"
    finally:
        process.kill()
    told = (folder / "nginx.log").read_text()
    assert "[warn]" not in told, told


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def _client(papers: Papers, address: str, *, by: str = "ca", own: str = "") -> httpx.Client:
    """Return a client that believes one authority, with a certificate of its own or none."""
    context = ssl.create_default_context(cafile=str(papers.folder / f"{by}.pem"))
    context.check_hostname = by == "ca"
    if own:
        context.load_cert_chain(papers.folder / f"{own}.pem", papers.folder / f"{own}.key")
    return httpx.Client(base_url=address, verify=context, trust_env=False, timeout=20)


class _Links(HTMLParser):
    """What a page leads to and loads."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {value for name, value in attrs if name in ("href", "src") and value}


@pytest.fixture(name="exporter", scope="module")
def _exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with Program(tmp_path_factory.mktemp("exporter")) as program:
        program.until("ready: every source has been polled")
        yield program


@pytest.fixture(name="streams")
def _streams(exporter: Program, papers: Papers, tmp_path: Path) -> Iterator[httpx.Client]:
    with (
        _proxy(WITH_PREFIX, papers, exporter, tmp_path) as address,
        _client(papers, address) as client,
    ):
        yield client


@pytest.mark.parametrize("path", ["/streams/", "/streams/metrics", "/streams/api/v1/jobs"])
def test_people_need_the_password_of_the_proxy(streams: httpx.Client, path: str) -> None:
    assert streams.get(path).status_code == 401
    assert streams.get(path, auth=("ann", "wrong")).status_code == 401
    assert streams.get(path, auth=("ann", PASSWORD)).status_code == 200


def test_address_without_a_slash_leads_to_the_one_with_it(streams: httpx.Client) -> None:
    answer = streams.get("/streams")
    assert answer.status_code == 301
    assert answer.headers["location"] == urljoin(str(streams.base_url), "/streams/")


def test_everything_that_the_page_leads_to_is_behind_the_prefix(streams: httpx.Client) -> None:
    """Also from the views that are deeper: the page of a job and a runbook."""
    here = "/streams/?source=a"
    page = streams.get(here, auth=("ann", PASSWORD)).text
    links = {link for link in _Links(page).found if not link.startswith("#")}
    leads = {urljoin(here, link) for link in links}
    assert {link for link in leads if link.startswith("/streams/static/")}
    for link in leads:
        assert link.startswith("/streams/"), link
        assert streams.get(link, auth=("ann", PASSWORD)).status_code == 200, link


def test_metrics_come_compressed_and_whole(streams: httpx.Client) -> None:
    answer = streams.get(
        "/streams/metrics", auth=("ann", PASSWORD), headers={"accept-encoding": "gzip"}
    )
    assert answer.headers["content-encoding"] == "gzip"
    assert 'streaming_source_up{platform="apache_flink",source="a"} 0' in answer.text


@pytest.mark.parametrize(
    "path", ["/streams/-/reload", "/streams/-/%72eload", "/streams/x/../-/reload"]
)
def test_nobody_reloads_through_the_proxy(streams: httpx.Client, path: str) -> None:
    assert streams.post(path, auth=("ann", PASSWORD)).status_code == 403


@pytest.mark.parametrize(
    ("token", "content", "status"),
    [
        (TOKEN, body(entry()), 200),
        ("wrong", body(entry()), 401),
        (TOKEN, b"{}", 400),
        (TOKEN, b" " * (1024 * 1024 + 1), 413),
    ],
    ids=["accepted", "token", "content", "size"],
)
def test_reports_of_agents_come_through_with_their_token(
    streams: httpx.Client, token: str, content: bytes, status: int
) -> None:
    answer = streams.post(REPORT, content=content, headers={"x-auth-token": token})
    assert answer.status_code == status


def test_what_is_no_report_is_not_taken(streams: httpx.Client) -> None:
    assert streams.get(REPORT).status_code == 403
    assert streams.post("/v1/p/other").status_code == 404


def test_each_side_proves_who_it_is(papers: Papers, tmp_path: Path) -> None:
    """The exporter believes the proxy only, and the proxy people with a certificate only."""
    for name in ("exporter.pem", "exporter.key", "clients-ca.pem"):
        shutil.copy(papers.folder / name, tmp_path / name)
    with (
        Program(tmp_path, WEB) as program,
        _proxy(WITH_CERTIFICATES, papers, program, tmp_path) as address,
        _client(papers, address, own="person") as person,
        _client(papers, address) as stranger,
        _client(papers, program.address, by="exporter-ca", own="proxy") as proxy,
        _client(papers, program.address, by="exporter-ca", own="agent") as past,
    ):
        assert person.get("/metrics").status_code == 200
        assert person.post("/-/reload").status_code == 403
        assert stranger.get("/metrics").status_code == 400
        assert proxy.get("/metrics").status_code == 200
        with pytest.raises(httpx.TransportError):
            past.get("/metrics")
