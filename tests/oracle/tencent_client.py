"""Read the simulated Tencent Cloud with its own clients: a JSON question in, JSON out.

Run by tests/simulator/tencent/test_vendor_client.py with the interpreter of .venv-oracle.
"""

import json
import sys
from functools import partial
from typing import Any

from tencentcloud.common import credential as credentials  # type: ignore[import-not-found]
from tencentcloud.common.credential import Credential  # type: ignore[import-not-found]
from tencentcloud.common.exception.tencent_cloud_sdk_exception import (  # type: ignore[import-not-found]
    TencentCloudSDKException,
)
from tencentcloud.common.profile.client_profile import (  # type: ignore[import-not-found]
    ClientProfile,
)
from tencentcloud.common.profile.http_profile import (  # type: ignore[import-not-found]
    HttpProfile,
)
from tencentcloud.monitor.v20180724 import models as monitor  # type: ignore[import-not-found]
from tencentcloud.monitor.v20180724.monitor_client import (  # type: ignore[import-not-found]
    MonitorClient,
)
from tencentcloud.oceanus.v20190422 import models as oceanus  # type: ignore[import-not-found]
from tencentcloud.oceanus.v20190422.oceanus_client import (  # type: ignore[import-not-found]
    OceanusClient,
)

CLIENTS = {
    "DescribeJobs": (OceanusClient, oceanus),
    "DescribeWorkSpaces": (OceanusClient, oceanus),
    "DescribeJobEvents": (OceanusClient, oceanus),
    "GetMonitorData": (MonitorClient, monitor),
}


# What assumes a role can be told another host, but not that there is no TLS.
credentials.HttpProfile = partial(HttpProfile, protocol="http")


def assume(question: dict[str, Any]) -> dict[str, Any]:
    parameters = question["parameters"]
    role = credentials.STSAssumeRoleCredential(
        question["secret_id"],
        question["secret_key"],
        parameters["RoleArn"],
        parameters["RoleSessionName"],
        parameters["DurationSeconds"],
        endpoint=question["host"],
    )
    try:
        secret_id, secret_key, token = role.get_credential_info()
    except TencentCloudSDKException as exc:
        return {"error": exc.get_code()}
    return {"id": secret_id, "key": secret_key, "token": token}


def ask(question: dict[str, Any]) -> dict[str, Any]:
    action = question["action"]
    if action == "AssumeRole":
        return assume(question)
    kind, models = CLIENTS[action]
    credential = Credential(question["secret_id"], question["secret_key"])
    http = HttpProfile(endpoint=question["host"], protocol="http", reqTimeout=20)
    client = kind(credential, "ap-guangzhou", ClientProfile(httpProfile=http))
    request = getattr(models, f"{action}Request")()
    request.from_json_string(json.dumps(question["parameters"]))
    try:
        answer = getattr(client, action)(request)
    except TencentCloudSDKException as exc:
        return {"error": exc.get_code()}
    found: dict[str, Any] = json.loads(answer.to_json_string())
    return found


json.dump([ask(question) for question in json.load(sys.stdin)], sys.stdout)
