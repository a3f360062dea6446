"""The Debian package installs, starts as shipped, and keeps what people wrote, to the last step."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packaging.debian import PATH, Debian, make
from tests.packaging.tools import ROOT

pytestmark = [pytest.mark.packaging, pytest.mark.timeout(1800)]

NAME = "streaming-job-exporter"
CONFIGURATION = f"/etc/{NAME}/exporter.yml"
UNIT = f"/usr/lib/systemd/system/{NAME}.service"
STARTED = f"/usr/bin/{NAME}"


@pytest.fixture(name="release", scope="module")
def _release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build all that has a virtual environment in it, unless PACKAGES says where it is."""
    if built := os.environ.get("PACKAGES"):
        return Path(built)
    dist = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "scripts/make_release.py", "packages"],
        cwd=ROOT,
        env={**os.environ, "DIST": str(dist)},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return dist


@pytest.fixture(name="debian", scope="module")
def _debian(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Debian]:
    """Return a Debian in which the package was installed with dpkg."""
    folder = tmp_path_factory.mktemp("debian") / "root"
    debian = make(folder)
    (package,) = release.glob("*.deb")
    shutil.copy(package, debian.path("/root/first.deb"))
    done = debian.run("dpkg", "--install", "/root/first.deb")
    assert done.returncode == 0, done.stdout + done.stderr
    yield debian
    shutil.rmtree(folder)


def _newer(debian: Debian) -> str:
    """Put a newer package beside the first, which brings another configuration; return its path."""
    work = debian.path("/root/newer")
    subprocess.run(["dpkg-deb", "-R", debian.path("/root/first.deb"), work], check=True)
    control = work / "DEBIAN" / "control"
    control.write_text(re.sub(r"(?m)^Version: .*$", "Version: 99.0.0", control.read_text()))
    shipped = work / CONFIGURATION.lstrip("/")
    shipped.write_text("# Of the newer version.\n" + shipped.read_text())
    (work / "DEBIAN" / "md5sums").unlink(missing_ok=True)
    subprocess.run(
        ["dpkg-deb", "-b", "-Znone", work, debian.path("/root/newer.deb")],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    shutil.rmtree(work)
    return "/root/newer.deb"


def test_service_file_is_verified_where_it_is_installed(debian: Debian) -> None:
    done = debian.run("systemd-analyze", "verify", "--man=no", UNIT)
    assert (done.returncode, [line for line in done.stderr.splitlines() if NAME in line]) == (0, [])


def test_exporter_has_a_user_of_its_own_and_only_root_reads_secrets(debian: Debian) -> None:
    users = debian.path("/etc/passwd").read_text()
    found = re.search(rf"^{NAME}:[^:]*:(\d+):(\d+):.*:/usr/sbin/nologin$", users, re.MULTILINE)
    assert found is not None
    group = int(found[2])

    def owned(path: str) -> tuple[int, int, str]:
        told = debian.path(path).stat()
        return told.st_uid, told.st_gid, oct(told.st_mode & 0o7777)

    assert owned(f"/etc/{NAME}") == (0, group, "0o750")
    assert owned(CONFIGURATION) == (0, group, "0o640")
    assert owned(f"/etc/{NAME}/environment") == (0, group, "0o640")
    assert owned(f"/etc/{NAME}/secrets") == (0, 0, "0o700")


def test_nothing_that_is_installed_belongs_to_anybody_but_root(debian: Debian) -> None:
    for path in debian.path(f"/opt/{NAME}").rglob("*"):
        told = path.lstat()
        assert (told.st_uid, told.st_gid) == (0, 0)
        assert path.is_symlink() or told.st_mode & 0o022 == 0


def test_configuration_as_shipped_is_valid_for_the_user_who_reads_it(debian: Debian) -> None:
    done = debian.run(
        STARTED, "check-config", f"--config.file={CONFIGURATION}", user=f"{NAME}:{NAME}"
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_unit_as_shipped_starts_serves_and_stops(debian: Debian) -> None:
    """What systemd would do, without systemd: the command of the unit, as its user."""
    unit = debian.path(UNIT).read_text().replace("\\\n", " ")
    command = re.search(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    user = re.search(r"^User=(.*)$", unit, re.MULTILINE)
    assert command is not None
    assert user is not None
    words = [word for word in command[1].split() if word != "$ARGS"]
    # The port is somebody else's on a machine with an exporter.
    words = [word.replace(":10370", "127.0.0.1:10379") for word in words]
    process = subprocess.Popen(
        debian.command(*words, user=f"{user[1]}:{user[1]}"),
        env={"PATH": PATH},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        deadline = time.monotonic() + 120
        while not _healthy("http://127.0.0.1:10379/-/healthy"):
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.2)
    finally:
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said


def _healthy(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def test_upgrade_removal_and_purge_leave_what_they_should(debian: Debian) -> None:
    """In this order, and last in this file: nothing is installed afterwards."""
    ours = debian.path(CONFIGURATION)
    ours.write_text("sources: [{name: mine, platform: apache_flink, endpoint: 'http://a:8081'}]\n")
    secret = debian.path(f"/etc/{NAME}/secrets/dli-sk")
    secret.write_text("secret")
    written = ours.read_text()

    done = debian.run("dpkg", "--force-confdef", "--force-confold", "--install", _newer(debian))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "99.0.0" in debian.run("dpkg-query", "-W", NAME).stdout
    assert ours.read_text() == written
    assert ours.with_name("exporter.yml.dpkg-dist").read_text().startswith("# Of the newer")
    assert oct(ours.stat().st_mode & 0o777) == "0o640"
    assert debian.run(STARTED, "--version").returncode == 0

    done = debian.run("dpkg", "--remove", NAME)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (ours.read_text(), secret.read_text()) == (written, "secret")
    assert not debian.path(f"/opt/{NAME}").exists()
    assert not debian.path(UNIT).exists()

    done = debian.run("dpkg", "--purge", NAME)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not debian.path(f"/etc/{NAME}").exists()


def _said(*command: str | Path) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_rpm_holds_what_the_debian_package_holds(release: Path) -> None:
    (rpm,), (deb,) = release.glob("*.rpm"), release.glob("*.deb")
    told = _said("dpkg-deb", "--contents", deb)
    ours = {line.split()[5][1:] for line in told if not line.endswith("/")}
    assert len(ours) > 500
    # Each has its own place for what completes in zsh.
    ours = {name.replace("/vendor-completions/", "/site-functions/") for name in ours}
    assert ours <= set(_said("rpm", "--query", "--list", "--package", rpm))
    for name in (
        f"/usr/share/man/man1/{NAME}.1",
        f"/usr/share/bash-completion/completions/{NAME}",
        f"/usr/share/zsh/site-functions/_{NAME}",
        f"/usr/share/fish/vendor_completions.d/{NAME}.fish",
        f"/usr/share/doc/{NAME}/examples/huawei_dli.yml",
        f"/usr/share/doc/{NAME}/docs/exporter.schema.json",
    ):
        assert name in ours
    kept = _said("rpm", "--query", "--configfiles", "--package", rpm)
    assert set(kept) == {CONFIGURATION, f"/etc/{NAME}/environment"}
