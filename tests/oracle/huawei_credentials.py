"""Find credentials with Huawei Cloud's own library: JSON lines in, JSON lines out.

Run with the interpreter of .venv-oracle: {"environ": {...}, "metadata": "http://..."} says what the
environment and the machine are; the answer is the key that it would sign with, or why it has none.
"""

import json
import logging
import os
import sys
from typing import Any

from huaweicloudsdkcore.auth import internal  # type: ignore[import-not-found]
from huaweicloudsdkcore.auth.provider import (  # type: ignore[import-not-found]
    CredentialProviderChain,
)
from huaweicloudsdkcore.exceptions.exception_handler import (  # type: ignore[import-not-found]
    DefaultExceptionHandler,
)
from huaweicloudsdkcore.exceptions.exceptions import (  # type: ignore[import-not-found]
    SdkException,
)
from huaweicloudsdkcore.http.http_client import HttpClient  # type: ignore[import-not-found]
from huaweicloudsdkcore.http.http_config import HttpConfig  # type: ignore[import-not-found]
from huaweicloudsdkcore.http.http_handler import HttpHandler  # type: ignore[import-not-found]

CLEAN = dict(os.environ)


def find(case: dict[str, Any]) -> dict[str, str]:
    os.environ.clear()
    os.environ.update(CLEAN | case["environ"])
    internal.MetadataAccessor._METADATA_ENDPOINT = case["metadata"]
    client = HttpClient(
        HttpConfig.get_default_config(),
        HttpHandler(),
        DefaultExceptionHandler(),
        logging.getLogger("silent"),
    )
    try:
        found = CredentialProviderChain.get_basic().get_credentials()
        # Whoever trades a token for a key does it with the first request.
        found.process_sts(client)
    except (SdkException, OSError, ValueError) as exc:
        return {"problem": type(exc).__name__}
    return {"key": found.ak, "secret": found.sk, "token": found.security_token or ""}


for line in sys.stdin:
    sys.stdout.write(json.dumps(find(json.loads(line))) + "\n")
