"""Translate the names that Go has for cipher suites and curves into those of OpenSSL.

Known are the suites that Go calls safe. As in Go, those of TLS 1.3 may be named but not chosen:
all of them are always on.
"""

from collections.abc import Iterable
from types import MappingProxyType

_OLDER = MappingProxyType(
    {
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
        "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
        "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    }
)
_NEWER = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
CURVES = MappingProxyType(
    {
        "CurveP256": "prime256v1",
        "CurveP384": "secp384r1",
        "CurveP521": "secp521r1",
        "X25519": "X25519",
    }
)
DEFAULT = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Forward secret and authenticated; what every client of the last ten years has."""


def openssl_name(name: str) -> str | None:
    """Return what OpenSSL calls a suite, or None when there is no such suite."""
    return name if name in _NEWER else _OLDER.get(name)


def openssl_suites(names: Iterable[str]) -> str:
    """Return the setting of OpenSSL for the suites up to TLS 1.2 among these, in their order."""
    return ":".join(_OLDER[name] for name in names if name in _OLDER)
