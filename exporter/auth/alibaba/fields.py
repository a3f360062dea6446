"""Read the fields of a profile: what is there, in words that never quote a misplaced secret."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from exporter.auth.alibaba.sts import (
    DEFAULT_SECONDS,
    LONGEST_SECONDS,
    SESSION_NAME,
    SHORTEST_SECONDS,
    Role,
    is_role_arn,
)
from exporter.auth.credentials import Credentials, found_at
from exporter.errors import UnusableError
from exporter.secret import TextSecret

_KEYS = ("access_key_id", "access_key_secret")


class Fields:
    """The fields of one profile; `place` is the file, and which profile of it."""

    def __init__(
        self, place: str, fields: Mapping[str, object], environ: Mapping[str, str]
    ) -> None:
        """Take the fields, and the environment that may hold what they leave out."""
        self.place = place
        self._fields = fields
        self._environ = environ

    def text(self, name: str) -> str:
        """Return a field that is a text, or an empty one."""
        value = self._fields.get(name)
        return value if isinstance(value, str) else ""

    def number(self, name: str) -> float:
        """Return a field that is a number, or 0."""
        value = self._fields.get(name)
        usable = isinstance(value, int | float) and not isinstance(value, bool)
        return float(value) if usable and abs(value) < 1e12 else 0.0  # type: ignore[arg-type]

    def flag(self, name: str) -> bool | None:
        """Return a field that is true or false, None for any other."""
        value = self._fields.get(name)
        return value if isinstance(value, bool) else None

    def word(self, name: str) -> str:
        """Return a word of the vendor's, or that it is none."""
        value = self.text(name)
        # A misplaced secret must not be quoted: those words are short and made of letters.
        is_word = 0 < len(value) <= 24 and value.replace("_", "").isalpha()
        return value if is_word else "of an unknown kind"

    def needs(self, *names: str) -> None:
        """Raise UnusableError naming the fields that are missing, if any are."""
        missing = [name for name in names if not self.text(name)]
        if missing:
            raise self.unusable(f"no {' and '.join(missing)}")

    def unusable(self, problem: str) -> UnusableError:
        """Return the error of a profile that was set up and cannot be used."""
        return UnusableError(f"{self.place}: {problem}")

    @property
    def has_a_key(self) -> bool:
        """Say whether there is an access key, or half of one."""
        return any(self.text(name) for name in _KEYS)

    def keys(self, token_field: str = "") -> Credentials:
        """Return the access key; raises UnusableError when it is not whole."""
        access_key, secret_key = (self.text(name) for name in _KEYS)
        if not access_key or not secret_key:
            raise self.unusable("no access_key_id and access_key_secret")
        token = self.text(token_field) if token_field else ""
        if token_field and not token:
            raise self.unusable(f"no {token_field}")
        return found_at(self.place, access_key, secret_key, token)

    def held(self) -> Credentials | None:
        """Return the temporary keys of the last sign-in, None when they are not whole."""
        expires_at = self.number("sts_expiration")
        if not (self.has_a_key and self.text("sts_token") and expires_at > 0):
            return None
        keys = self.keys("sts_token")
        return Credentials(keys.access_key, keys.secret_key, keys.security_token, expires_at)

    def role(self, arn: str, session_names: Sequence[str]) -> Role:
        """Return the role to assume; the arguments say in which fields it stands.

        Raises UnusableError.
        """
        self.needs(arn)
        if not is_role_arn(self.text(arn)):
            raise self.unusable(f"{arn} is no acs:ram::<account>:role/<name>")
        seconds = self.number("expired_seconds") or DEFAULT_SECONDS
        if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
            raise self.unusable(
                f"expired_seconds is not from {SHORTEST_SECONDS} to {LONGEST_SECONDS}"
            )
        named = (self.text(name) for name in session_names)
        external_id = self.text("external_id")
        return Role(
            arn=self.text(arn),
            session_name=next(filter(None, named), "") or session_name(self._environ),
            external_id=TextSecret(external_id) if external_id else None,
            policy=self.text("policy"),
            seconds=int(seconds),
        )

    def file(self, name: str) -> Path:
        """Return a field that is the name of a file; raises UnusableError without it."""
        self.needs(name)
        return Path(self.text(name))


def session_name(environ: Mapping[str, str]) -> str:
    """Return what a session is called unless its role says so: by the environment, or our name."""
    return environ.get("ALIBABA_CLOUD_ROLE_SESSION_NAME") or SESSION_NAME
