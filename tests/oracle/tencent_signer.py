"""Sign requests with Tencent Cloud's own signer: JSON lines in, JSON lines out.

Run by tests/auth/tencent/test_oracle.py with the interpreter of .venv-oracle.
"""

import json
import sys
from types import SimpleNamespace
from typing import Any

from tencentcloud.common import abstract_client  # type: ignore[import-not-found]
from tencentcloud.common.credential import Credential  # type: ignore[import-not-found]
from tencentcloud.common.http.request import RequestInternal  # type: ignore[import-not-found]
from tencentcloud.common.profile.client_profile import (  # type: ignore[import-not-found]
    ClientProfile,
)
from tencentcloud.common.profile.http_profile import (  # type: ignore[import-not-found]
    HttpProfile,
)


def sign(case: dict[str, Any]) -> dict[str, Any]:
    # The signer takes the time from thin air.
    abstract_client.time = SimpleNamespace(time=lambda: case["timestamp"])
    credential = Credential(case["access_key"], case["secret_key"], case["security_token"] or None)
    profile = ClientProfile(httpProfile=HttpProfile(endpoint=case["host"]))
    client = abstract_client.AbstractClient(credential, case["region"], profile)
    client._service, client._apiVersion = case["service"], "2019-04-22"
    request = RequestInternal(case["host"], "POST", "/")
    client._build_req_with_tc3_signature(case["action"], case["parameters"], request)
    names = ("Authorization", "X-TC-Timestamp", "X-TC-Token", "Content-Type", "Host")
    return {"body": request.data, **{name: request.header.get(name) for name in names}}


for line in sys.stdin:
    sys.stdout.write(json.dumps(sign(json.loads(line))) + "\n")
