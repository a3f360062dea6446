"""Share the jobs of a fleet out among several exporters. Everything here is pure.

Each exporter lists all jobs, which is cheap, and asks about and exports its own. Whose a job is
follows from its identity and the number of shards alone, so that nobody has to talk to anybody.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

from exporter.errors import ConfigError, ConfigProblem

_POD = re.compile(r".*-([0-9]{1,6})")
_NUMBER = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One of `total` exporters that share the jobs; they are numbered from 0."""

    ordinal: int = 0
    total: int = 1

    def owns(self, *identity: str) -> bool:
        """Say whether what has this identity is ours."""
        return self.total == 1 or owner(self.total, *identity) == self.ordinal


def owner(total: int, *identity: str) -> int:
    """Return which of so many shards something belongs to.

    Jump consistent hash (Lamping and Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm",
    2014): from N shards to N + 1 it moves one job in N + 1, each of them to the new shard. It can
    add and remove shards at the end only, which is all that a StatefulSet does.
    """
    text = "\\0".join(identity).encode("utf-8", "surrogatepass")
    key = int.from_bytes(blake2b(text, digest_size=8).digest(), "big")
    found, candidate = 0, 0
    while candidate < total:
        found = candidate
        key = (key * 2862933555777941757 + 1) % (1 << 64)
        candidate = int((found + 1) * ((1 << 31) / ((key >> 33) + 1)))
    return found


def read_shard(text: str, total_text: str, environ: Mapping[str, str]) -> Shard:
    """Read `--shard` and `--total-shards`; `auto` is the number at the end of the pod's name.

    A StatefulSet numbers its pods `name-0`, `name-1`, ..., and a pod's name is its HOSTNAME.
    Raises ConfigError.
    """
    if text == "auto":
        name = environ.get("HOSTNAME", "")
        match = _POD.fullmatch(name)
        if match is None:
            raise _error(f"auto: HOSTNAME is {name!r}, expected the name of a pod such as name-0")
        ordinal = int(match[1])
    elif _NUMBER.fullmatch(text):
        ordinal = int(text)
    else:
        raise _error(f"{text!r}: expected auto or a number from 0")
    total = int(total_text) if _NUMBER.fullmatch(total_text) else 0
    if total < 1:
        message = f"{total_text!r}: expected a number from 1"
        raise ConfigError((ConfigProblem("--total-shards", message),))
    if ordinal >= total:
        raise _error(f"{ordinal}: expected less than --total-shards, which is {total}")
    return Shard(ordinal=ordinal, total=total)


def _error(message: str) -> ConfigError:
    return ConfigError((ConfigProblem("--shard", message),))
