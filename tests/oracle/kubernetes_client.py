"""Do with Kubernetes' own client what a line of JSON asks for: JSON lines in, JSON lines out.

Run with the interpreter of .venv-oracle: {"files": [...], "context": "..."} says what kubeconfig
files come to, {"host": "...", "token": "...", "limit": 2} lists FlinkDeployments page by page.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from kubernetes import client, config  # type: ignore[import-not-found]


def load(case: dict[str, Any]) -> dict[str, Any]:
    found = client.Configuration()
    config.load_kube_config(
        config_file=os.pathsep.join(case["files"]),
        context=case["context"] or None,
        client_configuration=found,
        persist_config=False,
    )
    authorization = next(iter(found.api_key.values()), "")
    if not authorization and found.username:
        authorization = found.get_basic_auth_token()

    def content(path: str | None) -> str | None:
        return Path(path).read_text() if path else None

    return {
        "server": found.host,
        "authorization": authorization or "",
        "authority": content(found.ssl_ca_cert),
        "certificate": content(found.cert_file),
        "key": content(found.key_file),
        "verify": found.verify_ssl,
        "server_name": found.tls_server_name or "",
        "proxy_url": found.proxy,
    }


def list_names(case: dict[str, Any]) -> list[str]:
    settings = client.Configuration(host=case["host"])
    settings.api_key = {"authorization": f"Bearer {case['token']}"}
    objects = client.CustomObjectsApi(client.ApiClient(settings))
    names: list[str] = []
    token = ""
    while True:
        more = {"_continue": token} if token else {}
        page = objects.list_namespaced_custom_object(
            "flink.apache.org",
            "v1beta1",
            case["namespace"],
            "flinkdeployments",
            limit=case["limit"],
            **more,
        )
        names += [each["metadata"]["name"] for each in page["items"]]
        token = page["metadata"].get("continue", "")
        if not token:
            return names


def refused(case: dict[str, Any]) -> dict[str, Any]:
    try:
        list_names(case)
    except client.ApiException as exc:
        return {"status": exc.status, "reason": json.loads(exc.body)["reason"]}
    return {}


for line in sys.stdin:
    asked = json.loads(line)
    work = {"load": load, "list": list_names, "refused": refused}[asked["work"]]
    sys.stdout.write(json.dumps(work(asked)) + "\n")
