"""Make certificates, keys and users for the tests of the listener."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import bcrypt

PASSWORD = "correct horse"
# Always the same salt: every process must find the same tests, and some are named by this.
HASH = bcrypt.hashpw(PASSWORD.encode(), b"$2b$04$abcdefghijklmnopqrstuu").decode()
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True, slots=True)
class Papers:
    """A directory with an authority, and what it has signed."""

    folder: Path

    def authority(self, name: str = "ca") -> Path:
        """Make an authority; return its certificate."""
        _openssl(
            self.folder,
            *("req", "-x509", "-new", *_KEY, "-keyout", f"{name}.key", "-out", f"{name}.pem"),
            *("-subj", f"/CN={name}", "-days", "2"),
        )
        return self.folder / f"{name}.pem"

    def signed(
        self,
        name: str,
        *,
        by: str = "ca",
        sans: str = "DNS:localhost,IP:127.0.0.1",
        days: str = "2",
    ) -> tuple[Path, Path]:
        """Make a certificate signed by an authority; return it and its key."""
        (self.folder / f"{name}.ext").write_text(f"subjectAltName={sans}\n")
        request = ("-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        _openssl(self.folder, "req", "-new", *_KEY, *request)
        _openssl(
            self.folder,
            *("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.pem", "-days", days),
            *("-CA", f"{by}.pem", "-CAkey", f"{by}.key", "-CAcreateserial"),
            *("-extfile", f"{name}.ext"),
        )
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"


def make_papers(folder: Path) -> Papers:
    """Return papers with an authority, a server and a client."""
    papers = Papers(folder)
    papers.authority()
    papers.signed("server")
    papers.signed("client", sans="DNS:prometheus.example,email:p@example.com,IP:2001:db8::1")
    return papers


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=60)
