"""A minimal Debian to install packages in: a folder that programs take for the whole machine."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("python3", "ca-certificates", "systemd")
_ENTER = """\
mount --bind "$1" "$1" && mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" &&
mount -t tmpfs tmpfs "$1/tmp" && root=$1 && shift && exec chroot "$@"
"""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Debian:
    """The root of one."""

    root: Path

    def run(
        self, *command: str, user: str = "root", timeout: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in it to its end, as a user of it; the caller judges the exit code."""
        return subprocess.run(
            self.command(*command, user=user),
            env={"PATH": PATH, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )

    def command(self, *command: str, user: str = "root") -> list[str]:
        """Return what runs a command in it, with mounts that end with it."""
        inside = [f"--userspec={user}", str(self.root), *command]
        return ["unshare", "--mount", "sh", "-c", _ENTER, "sh", str(self.root), *inside]

    def path(self, inside: str) -> Path:
        """Return where a path of it is."""
        return self.root / inside.lstrip("/")


def make(folder: Path) -> Debian:
    """Unpack one into a folder; the archive is made when there is none."""
    made = subprocess.run(
        [str(ROOT / "scripts" / "debian-root"), *PACKAGES],
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    folder.mkdir(exist_ok=True)
    archive = made.stdout.strip()
    subprocess.run(["tar", "-x", "--numeric-owner", "-f", archive, "-C", folder], check=True)
    folder.chmod(0o755)
    return Debian(folder)
