"""Find credentials with botocore: JSON lines in, JSON lines out.

Run with the interpreter of .venv-oracle/aws. A set-up holds files of `~/.aws` and variables. What
comes of it is the key that signs, or the name of the error, after the roles that were assumed,
each with the key that assumed it.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import botocore.session  # type: ignore[import-not-found]


class Sts:
    """An STS that hands out keys named after the role."""

    def __init__(self, key: str, assumed: list[str]) -> None:
        self._key = key
        self._assumed = assumed

    def assume_role(self, **given: str) -> dict[str, Any]:
        role = given["RoleArn"].rpartition("/")[2]
        self._assumed.append(f"{self._key} -> {role}")
        keys = {"AccessKeyId": f"of{role}", "SecretAccessKey": "s", "SessionToken": "t"}
        expiry = {"Expiration": "2099-01-01T00:00:00Z"}
        return {"Credentials": keys | expiry, "AssumedRoleUser": {"AssumedRoleId": "a:b"}}


def found(setup: dict[str, Any], home: Path) -> list[Any]:
    (home / ".aws").mkdir()
    for name, text in setup["files"].items():
        (home / ".aws" / name).write_text(text)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(setup["environ"], HOME=str(home), AWS_EC2_METADATA_DISABLED="true")
    session = botocore.session.Session()
    assumed: list[str] = []
    session.create_client = lambda *_, **given: Sts(given["aws_access_key_id"], assumed)
    try:
        keys = session.get_credentials()
        if keys is None:
            return [*assumed, None]
        frozen = keys.get_frozen_credentials()
        return [*assumed, [frozen.access_key, frozen.secret_key, frozen.token or ""]]
    except Exception:
        # Which one it is, is of no interest: it does not go on to another identity.
        return [*assumed, "refused"]


for line in sys.stdin:
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write(json.dumps(found(json.loads(line), Path(folder))) + "\n")
