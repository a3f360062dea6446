"""A file that is being written never lets in more than the one it replaces."""

import shutil
import ssl
from pathlib import Path

import pytest

from exporter.listening.protection import Protection, WatchedProtection, read_protection
from exporter.listening.tls import allowed
from exporter.telemetry.telemetry import Telemetry
from tests.listening.certificates import HASH, Papers, make_papers
from tests.recording import RecordingLog

TLS = """\
tls_server_config:
  cert_file: server.pem
  key_file: server.key
"""
CLIENTS = """\
  client_ca_file: ca.pem
  client_auth_type: RequireAndVerifyClientCert
"""
SANS = """\
  client_allowed_sans:
    - prometheus.example.com
    - other.example.com
"""
VERSION = "  min_version: TLS13\n"
CURVE = "  curve_preferences: [X25519]\n"
SUITES = "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]\n"
USERS = f"basic_auth_users:\n  alice: {HASH}\n  bob: {HASH}\n"
RATE = "rate_limit:\n  burst: 20\n  interval: 10s\n"
HEADERS = """\
http_server_config:
  headers:
    X-Frame-Options: deny
    Strict-Transport-Security: max-age=31536000
"""
WHOLE = TLS + CLIENTS + SANS + VERSION + CURVE + HEADERS + USERS + RATE
OTHER_ORDER = RATE + USERS + HEADERS + TLS + VERSION + SANS + CURVE + CLIENTS


@pytest.fixture(name="papers", scope="module")
def _papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return make_papers(tmp_path_factory.mktemp("papers"))


@pytest.fixture(name="folder")
def _folder(papers: Papers, tmp_path: Path) -> Path:
    for path in papers.folder.glob("*.*"):
        shutil.copy(path, tmp_path)
    return tmp_path


class Watch:
    """A watched file."""

    def __init__(self, folder: Path, text: str) -> None:
        self.path = folder / "web.yml"
        self.path.write_text(text)
        self.log = RecordingLog()
        self.now = WatchedProtection(self.path, log=self.log, outcome=Telemetry())

    def becomes(self, text: str) -> Protection:
        self.path.write_text(text)
        self.now.look()
        return self.now()

    def problems(self) -> str:
        return str(
            [facts.get("problems") for level, _, facts in self.log.lines if level == "error"]
        )


def _lets_in_no_more(now: Protection, whole: Protection) -> None:
    assert now.context is not None
    assert whole.context is not None
    assert now.context.verify_mode is ssl.CERT_REQUIRED
    assert now.context.minimum_version is ssl.TLSVersion.TLSv1_3
    assert now.allowed_sans is not None
    assert not allowed({"subjectAltName": (("DNS", "stranger.example.com"),)}, now.allowed_sans)
    assert now.users
    assert now.users.keys() <= whole.users.keys()
    assert now.rate_limit.interval >= whole.rate_limit.interval
    assert {name for name, _ in now.headers} >= {name for name, _ in whole.headers}


@pytest.mark.parametrize("whole", [WHOLE, OTHER_ORDER], ids=["one", "other"])
def test_no_beginning_of_a_file_lets_in_more_and_the_whole_is_taken_in_the_end(
    folder: Path, whole: str
) -> None:
    watch = Watch(folder, whole)
    before = watch.now()
    understood = 0
    for length in range(len(whole)):
        now = watch.becomes(whole[:length])
        understood += now is not before
        _lets_in_no_more(now, before)
    # Something is tested only if some of them are files by themselves.
    assert understood
    now = watch.becomes(whole)
    assert now.users == before.users
    assert now.allowed_sans == before.allowed_sans
    assert now.rate_limit == before.rate_limit


@pytest.mark.parametrize(
    ("without", "place"),
    [
        (TLS + CLIENTS + SANS + VERSION + CURVE, "tls_server_config"),
        (CLIENTS + SANS, "tls_server_config.client_auth_type"),
        (SANS, "tls_server_config.client_allowed_sans"),
        (VERSION, "tls_server_config.min_version"),
        (CURVE, "tls_server_config.curve_preferences"),
        (USERS, "basic_auth_users"),
        (RATE, "rate_limit.interval"),
        (HEADERS, "http_server_config.headers.Strict-Transport-Security"),
    ],
)
def test_what_restricted_is_not_dropped_while_serving_and_is_named(
    folder: Path, without: str, place: str
) -> None:
    watch = Watch(folder, WHOLE)
    before = watch.now()
    assert watch.becomes(WHOLE.replace(without, "")) is before
    assert f"web.yml: {place}: no" in watch.problems() or f"{place}: less" in watch.problems()
    # As the program says: a new start serves with it.
    read_protection(watch.path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (CLIENTS + SANS, CLIENTS.replace("RequireAndVerifyClientCert", "VerifyClientCertIfGiven")),
        ("interval: 10s", "interval: 1"),
        ("interval: 10s", "interval: 0"),
        ("    X-Frame-Options: deny\n", ""),
        (USERS, "basic_auth_users:\n"),
    ],
)
def test_weaker_is_not_taken_either(folder: Path, old: str, new: str) -> None:
    watch = Watch(folder, WHOLE)
    before = watch.now()
    assert watch.becomes(WHOLE.replace(old, new)) is before
    assert watch.log.lines[0][1] == "web configuration not loaded"


def test_suites_that_were_chosen_do_not_become_those_that_are_usual(folder: Path) -> None:
    watch = Watch(folder, TLS + SUITES)
    before = watch.now()
    assert watch.becomes(TLS) is before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (TLS + USERS, WHOLE),
        (WHOLE, WHOLE.replace("    - other.example.com\n", "")),
        (WHOLE, WHOLE.replace(f"  bob: {HASH}\n", "")),
        (WHOLE, WHOLE.replace("other.example", "third.example")),
        (WHOLE, WHOLE.replace("bob", "eve")),
        (WHOLE, WHOLE.replace("interval: 10s", "interval: 1m")),
        (WHOLE, WHOLE.replace("burst: 20", "burst: 2")),
        (WHOLE.replace("burst: 20", "burst: 2"), WHOLE),
        (WHOLE.replace(f"  bob: {HASH}\n", ""), WHOLE),
    ],
)
def test_what_tightens_or_names_somebody_else_is_taken_at_once(
    folder: Path, before: str, after: str
) -> None:
    watch = Watch(folder, before)
    first = watch.now()
    assert watch.becomes(after) is not first
    assert watch.log.said() == ["web configuration loaded"]


def test_authorities_that_are_cut_off_let_nobody_else_in_and_come_back(folder: Path) -> None:
    authority = (folder / "ca.pem").read_text()
    (folder / "ca.pem").write_text(authority + (folder / "server.pem").read_text())
    watch = Watch(folder, WHOLE)
    both = watch.now()
    (folder / "ca.pem").write_text(authority)
    watch.now.look()
    assert watch.now() is not both
    now = watch.now()
    (folder / "ca.pem").write_text(authority[: len(authority) // 2])
    watch.now.look()
    assert watch.now() is now
    (folder / "ca.pem").write_text("")
    watch.now.look()
    assert watch.now() is now
