"""Build all that a release consists of into dist/, the same bytes each time from the same commit.

    python scripts/make_release.py [all|python|packages|chart]

wheel and source distribution, Debian and RPM packages, the Helm chart, the SBOM, and SHA256SUMS of
all of them. What is built is what git does not ignore here, changed or not; all times are that of
the commit.
"""

import gzip
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOOLS = ROOT / ".venv-packaging" / "bin"
PREFIX = Path("opt", "streaming-job-exporter")
BUILD = "import sys; from setuptools import build_meta as b; getattr(b, sys.argv[1])(sys.argv[2])"
# The architectures of Debian by the names that the kernel has for them.
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def run(*command: str | Path, cwd: Path = ROOT, **environ: str) -> str:
    """Run a command, print what it said if it fails, and return its output."""
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\nmake_release: {' '.join(map(str, command))} failed")
    return done.stdout


def export(target: Path) -> None:
    """Copy what git tracks, or would: nothing that it ignores."""
    listed = ("--cached", "--others", "--exclude-standard")
    for name in run("git", "ls-files", "-z", *listed).split("\0"):
        source = ROOT / name
        if name and source.is_file():
            copy = target / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
            copy.chmod(0o755 if os.access(source, os.X_OK) else 0o644)


def repack(path: Path, time: int) -> None:
    """Write an archive anew, in which nothing tells of who made it and when."""
    with tarfile.open(path) as archive:
        entries = [(each, archive.extractfile(each)) for each in archive.getmembers()]
        plain = io.BytesIO()
        with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as target:
            for each, content in sorted(entries, key=lambda entry: entry[0].name):
                each.uid = each.gid = 0
                each.uname = each.gname = ""
                each.mtime = time
                each.mode = 0o755 if each.isdir() or each.mode & 0o100 else 0o644
                each.pax_headers = {}
                target.addfile(each, content)
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=time) as packed:
        packed.write(plain.getvalue())


def build_python(source: Path, dist: Path, time: int) -> Path:
    """Build the source distribution, and the wheel from it; return the wheel."""
    environ = {"SOURCE_DATE_EPOCH": str(time)}
    run(sys.executable, "-c", BUILD, "build_sdist", dist, cwd=source, **environ)
    [archive] = dist.glob("*.tar.gz")
    repack(archive, time)
    with tempfile.TemporaryDirectory() as folder:
        # By tar: Python wants a `filter` of who unpacks, and 3.11.2, which Debian 12 has, none.
        kept = ("--preserve-permissions", "--no-same-owner")
        run("tar", "--extract", *kept, "--file", archive, "--directory", folder)
        [unpacked] = Path(folder).iterdir()
        run(sys.executable, "-c", BUILD, "build_wheel", dist, cwd=unpacked, **environ)
    [wheel] = dist.glob("*.whl")
    run(TOOLS / "twine", "check", "--strict", archive, wheel)
    return wheel


def build_environment(wheel: Path, root: Path, time: int) -> None:
    """Make the virtual environment as it will be where the package is installed."""
    home = root / PREFIX
    run(sys.executable, "-m", "venv", "--without-pip", "--symlinks", home)
    pip = (sys.executable, "-m", "pip", "--python", home / "bin" / "python", "install", "--quiet")
    plain = ("--no-compile", "--disable-pip-version-check")
    locked = ("--require-hashes", "--only-binary", ":all:", "--requirement")
    run(*pip, *plain, *locked, ROOT / "requirements" / "run.txt")
    run(*pip, *plain, "--no-index", "--no-deps", wheel)
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for path in (home / "bin").iterdir():
        if path.name != "streaming-job-exporter":
            path.unlink()
    for name, target in ((python, f"/usr/bin/{python}"), ("python3", python), ("python", python)):
        (home / "bin" / name).symlink_to(target)
    (home / "pyvenv.cfg").write_text(
        f"home = /usr/bin\ninclude-system-site-packages = false\nexecutable = /usr/bin/{python}\n"
    )
    started = home / "bin" / "streaming-job-exporter"
    _, _, rest = started.read_text().partition("\n")
    started.write_text(f"#!/{PREFIX}/bin/python\n{rest}")
    # They say where and how it was installed; whoever runs it needs none of them.
    for name in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json"):
        for path in home.rglob(f"*.dist-info/{name}"):
            path.unlink()
    # Nobody can write bytecode there later, and without it each start would take twice as long.
    compiled = ("--invalidation-mode", "unchecked-hash", "-s", root, "-p", "/")
    run(sys.executable, "-m", "compileall", "-q", *compiled, home / "lib")
    for path in (home, *home.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        os.utime(path, (time, time), follow_symlinks=False)


def build_packages(source: Path, wheel: Path, dist: Path, version: str, time: int) -> None:
    """Build the Debian and the RPM package."""
    build_environment(wheel, source / "root", time)
    for path in source.rglob("*"):
        os.utime(path, (time, time), follow_symlinks=False)
    for packager in ("deb", "rpm"):
        run(
            *(TOOLS / "nfpm", "package", "--config", "packaging/nfpm.yaml"),
            *("--packager", packager, "--target", f"{dist}/"),
            cwd=source,
            VERSION=version,
            ARCHITECTURE=ARCHITECTURES[os.uname().machine],
            SOURCE_DATE_EPOCH=str(time),
        )


def build_chart(source: Path, dist: Path, time: int) -> None:
    """Build the chart."""
    chart = source / "deploy" / "chart" / "streaming-job-exporter"
    run(TOOLS / "helm4", "package", "--destination", dist, chart)
    [archive] = dist.glob("*.tgz")
    repack(archive, time)


def sums(dist: Path) -> Iterator[str]:
    """Yield a line for each file, as `sha256sum --check` reads it."""
    for path in sorted(dist.iterdir()):
        if path.name != "SHA256SUMS":
            yield f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"


def main(parts: list[str]) -> None:
    """Build what is asked for; everything, if nothing is."""
    every = not parts or "all" in parts
    dist = Path(os.environ.get("DIST", ROOT / "dist"))
    shutil.rmtree(dist, ignore_errors=True)
    dist.mkdir(parents=True)
    time = int(run("git", "log", "-1", "--format=%ct"))
    os.umask(0o022)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder)
        export(source)
        text = (source / "exporter" / "__init__.py").read_text()
        [version] = re.findall(r'^__version__ = "(.+)"$', text, re.MULTILINE)
        if every or "chart" in parts:
            build_chart(source, dist, time)
        if every or {"python", "packages"} & set(parts):
            wheel = build_python(source, dist, time)
            if every or "packages" in parts:
                build_packages(source, wheel, dist, version, time)
    if every:
        run(ROOT / "scripts" / "make-sbom", PYTHON=sys.executable)
        if dist != ROOT / "dist":
            shutil.move(ROOT / "dist" / "sbom.cdx.json", dist)
    (dist / "SHA256SUMS").write_text("".join(sums(dist)))
    for path in sorted(dist.iterdir()):
        print(f"{path.stat().st_size:>10}  {path.name}")


if __name__ == "__main__":
    main(sys.argv[1:])
