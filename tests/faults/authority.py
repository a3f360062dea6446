"""Certificates of a small authority that exists for these tests only, made by openssl."""

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

NAME = "service.test"
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc")


@dataclass(frozen=True, slots=True)
class Authority:
    """An authority whose certificate and key are in a folder."""

    folder: Path

    @property
    def ca_file(self) -> Path:
        """Return the file to trust."""
        return self.folder / "ca.pem"

    def context(self, name: str) -> ssl.SSLContext:
        """Return the context of a server that shows the certificate of this name."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}_key.pem")
        return context


def establish(folder: Path) -> Authority:
    """Make an authority, a server it vouches for, and servers that nobody should believe."""
    for name in ("ca", "stranger"):
        made = ("-keyout", f"{name}_key.pem", "-out", f"{name}.pem", "-subj", f"/CN={name}")
        _openssl(folder, "req", "-x509", "-new", *_KEY, *made, "-days", "3650")
    names = f"DNS:{NAME},IP:127.0.0.1"
    _certify(folder, "good", names, "ca")
    _certify(folder, "misnamed", "DNS:elsewhere.test", "ca")
    _certify(folder, "unknown", names, "stranger")
    _certify(folder, "expired", names, "ca", days="-1")
    return Authority(folder)


def _certify(folder: Path, name: str, names: str, signer: str, *, days: str = "3650") -> None:
    (folder / "names").write_text(f"subjectAltName={names}\n")
    request = ("-keyout", f"{name}_key.pem", "-out", "request.pem", "-subj", f"/CN={name}")
    _openssl(folder, "req", "-new", *_KEY, *request)
    authority = ("-CA", f"{signer}.pem", "-CAkey", f"{signer}_key.pem", "-CAcreateserial")
    signed = ("-in", "request.pem", "-out", f"{name}.pem", "-extfile", "names", "-days", days)
    _openssl(folder, "x509", "-req", *authority, *signed)


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=60)
