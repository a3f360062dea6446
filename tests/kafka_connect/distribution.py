"""Find the Kafka Connect that `scripts/fetch-kafka-connect` left in the cache."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

VERSION = "3.9.0"
"""The smaller one, for the tests of every day."""

_PACKAGE = Path(__file__).parent
_REPOSITORY = _PACKAGE.parents[1]
_SERVICE = "META-INF/services/org.apache.kafka.connect.source.SourceConnector"


class ConnectUnavailableError(Exception):
    """This machine has no Kafka Connect of that version, or no Java to run it."""


def wanted_version() -> str:
    """Return the version that the tests are to run with."""
    return os.environ.get("KAFKA_CONNECT_VERSION", VERSION)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectDistribution:
    """The jars of a worker, a broker, and the Java that runs them."""

    version: str
    home: Path
    java: str

    @classmethod
    def locate(
        cls, version: str = VERSION, cache: Path = _REPOSITORY / ".cache" / "kafka-connect"
    ) -> "ConnectDistribution":
        """Return what is in the cache, or say which command brings it."""
        home, java = cache / version, shutil.which("java")
        # The script moves the directory into place as its last step, so it is there whole or not.
        if not (home / "jars").is_dir() or java is None:
            missing = f"Kafka Connect {version}" if java else "Java"
            command = "scripts/fetch-kafka-connect" + ("" if version == VERSION else f" {version}")
            raise ConnectUnavailableError(f"{missing} is missing: run {command}")
        return cls(version=version, home=home, java=java)

    @property
    def broker(self) -> list[str]:
        """Return the command that runs the broker."""
        return [str(self.home / "tansu"), "broker"]

    def worker(self, properties: Path) -> list[str]:
        """Return the command that runs a worker."""
        own = [*([self._stub()] if self.version.startswith("4.") else []), self._plugin()]
        return [
            self.java,
            "-Xmx256m",
            # Several JVMs share few cores, and none lives long enough to repay the C2 compiler.
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:-UsePerfData",
            "-Xshare:auto",
            "-cp",
            ":".join(map(str, [*own, *self._jars()])),
            "org.apache.kafka.connect.cli.ConnectDistributed",
            str(properties),
        ]

    def _jars(self) -> list[Path]:
        return sorted((self.home / "jars").glob("*.jar"))

    def _stub(self) -> Path:
        return self._compiled(_PACKAGE / "stub")

    def _plugin(self) -> Path:
        return self._compiled(_PACKAGE / "plugin", service="TroubleConnector\n")

    def _compiled(self, folder: Path, service: str = "") -> Path:
        """Return the folder of the classes of some sources, compiled when those have changed."""
        sources = sorted(folder.glob("*.java"))
        digest = hashlib.sha256(b"".join(each.read_bytes() for each in sources)).hexdigest()[:12]
        classes = self.home / f"{folder.name}-{digest}"
        if not classes.is_dir():
            self._compile(sources, classes, service)
        return classes

    def _compile(self, sources: Sequence[Path], classes: Path, service: str) -> None:
        # The compiler is a module of the runtime; the javac command needs a whole JDK.
        with tempfile.TemporaryDirectory(dir=self.home) as scratch:
            made = Path(scratch) / "classes"
            command = [self.java, "-m", "jdk.compiler/com.sun.tools.javac.Main", "-proc:none"]
            command += ["-cp", ":".join(map(str, self._jars())), "-d", str(made)]
            done = subprocess.run(
                [*command, *map(str, sources)], capture_output=True, text=True, check=False
            )
            if done.returncode != 0:
                raise ConnectUnavailableError(f"the rig does not compile:\n{done.stderr}")
            if service:
                (made / _SERVICE).parent.mkdir(parents=True)
                (made / _SERVICE).write_text(service)
            try:
                made.rename(classes)
            except OSError:
                # Another process may have compiled the same sources meanwhile.
                if not classes.is_dir():
                    raise
