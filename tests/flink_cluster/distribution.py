"""Find the Flink distribution that `scripts/fetch-flink` left in the cache."""

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

VERSION = "2.3.0"

_PACKAGE = Path(__file__).parent
_REPOSITORY = _PACKAGE.parents[1]

# Flink reflects into the JDK; its own start scripts, which the source package lacks, open these.
_OPENED = (
    "java.lang",
    "java.lang.reflect",
    "java.io",
    "java.net",
    "java.nio",
    "java.text",
    "java.time",
    "java.util",
    "java.util.concurrent",
    "java.util.concurrent.atomic",
    "java.util.concurrent.locks",
    "sun.nio.ch",
)
_OPENED_BEFORE = (
    "java.lang.invoke",
    "java.math",
    "java.security",
    "jdk.internal.misc",
    "sun.net.util",
)
"""What versions before this one reflect into as well."""


class FlinkUnavailableError(Exception):
    """This machine has no Flink distribution, or no Java to run it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlinkDistribution:
    """An unpacked Flink and the Java that runs it."""

    version: str
    home: Path
    java: str

    @classmethod
    def locate(
        cls, cache: Path = _REPOSITORY / ".cache" / "flink", version: str = VERSION
    ) -> "FlinkDistribution":
        """Return the cached distribution, or say which command brings it."""
        home = cache / version
        java = shutil.which("java")
        # The script moves the directory into place as its last step, so it is there whole or not.
        if not (home / "lib").is_dir() or java is None:
            missing = f"Flink {version}" if java else "Java"
            command = "scripts/fetch-flink" + ("" if version == VERSION else f" {version}")
            raise FlinkUnavailableError(f"{missing} is missing: run {command}")
        return cls(version=version, home=home, java=java)

    @property
    def numbers(self) -> tuple[int, int]:
        """Return the major and the minor number of the version."""
        major, minor = self.version.split(".")[:2]
        return int(major), int(minor)

    @property
    def jars(self) -> list[Path]:
        """Return the jars of Flink's class path."""
        return sorted((self.home / "lib").glob("*.jar"))

    @property
    def plugins(self) -> Path:
        """Return the folder of Flink's plug-ins, such as its own Prometheus reporter."""
        return self.home / "plugins"

    def command(self, main: str, *arguments: str, heap: str, metaspace: str = "256m") -> list[str]:
        """Return the command that runs one of Flink's programs, or one of the rig's."""
        class_path = ":".join(map(str, [*self.jars, self.rig_classes()]))
        opened = _OPENED if self.version == VERSION else (*_OPENED, *_OPENED_BEFORE)
        return [
            self.java,
            f"-Xmx{heap}",
            f"-XX:MaxMetaspaceSize={metaspace}",
            # Several JVMs share few cores, and none lives long enough to repay the C2 compiler.
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:-UsePerfData",
            "--add-exports=java.rmi/sun.rmi.registry=ALL-UNNAMED",
            "--add-exports=java.base/sun.net.util=ALL-UNNAMED",
            *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in opened),
            f"-Dlog4j.configurationFile={(_PACKAGE / 'log4j2.properties').as_uri()}",
            "-cp",
            class_path,
            main,
            *arguments,
        ]

    def rig_classes(self) -> Path:
        """Return the folder of the rig's classes, compiled when their sources have changed.

        They are on the class path of the cluster too: that spares building a jar and shipping it
        with every job.
        """
        # Its successors have dropped what the oldest have, and these lack what is used today.
        folder = _PACKAGE if self.version == VERSION else _PACKAGE / "portable"
        sources = sorted(folder.glob("*.java"))
        digest = hashlib.sha256(b"".join(each.read_bytes() for each in sources)).hexdigest()[:12]
        classes = self.home / f"classes-{digest}"
        if not classes.is_dir():
            self._compile(sources, classes)
        return classes

    def _compile(self, sources: Sequence[Path], classes: Path) -> None:
        # The compiler is a module of the runtime; the javac command needs a whole JDK.
        with tempfile.TemporaryDirectory(dir=self.home) as scratch:
            made = Path(scratch) / "classes"
            command = [self.java, "-m", "jdk.compiler/com.sun.tools.javac.Main", "-proc:none"]
            command += ["-cp", ":".join(map(str, self.jars)), "-d", str(made), *map(str, sources)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise FlinkUnavailableError(f"the rig does not compile:\n{done.stderr}")
            try:
                made.rename(classes)
            except OSError:
                # Another process may have compiled the same sources meanwhile.
                if not classes.is_dir():
                    raise
