"""Answer the examples of the documents: the simulated clouds behind the hosts that they name."""

from collections.abc import Callable
from pathlib import Path

import certifi
import httpx

from exporter.simulator.clouds import (
    ALIBABA_KEY,
    ALIBABA_SECRET,
    AWS_KEY,
    AWS_SECRET,
    CONNECT_SECRET,
    HUAWEI_KEY,
    HUAWEI_SECRET,
    KUBERNETES_TOKEN,
    PASSWORD,
    TENCENT_ID,
    TENCENT_SECRET,
    build_clouds,
)

CLOUDS = {
    "dli.cn-north-4.myhuaweicloud.com": "dli",
    "dayu-dlf.cn-north-4.myhuaweicloud.com": "dataarts",
    "iam.cn-north-4.myhuaweicloud.com": "iam",
    "ces.cn-north-4.myhuaweicloud.com": "cloud_eye",
    "foas.cn-shanghai.aliyuncs.com": "foas",
    "foas.aliyuncs.com": "foas",
    "ververica.cn-hangzhou.aliyuncs.com": "ververica",
    "oceanus.tencentcloudapi.com": "oceanus",
    "monitor.tencentcloudapi.com": "monitor",
    "kinesisanalytics.eu-west-1.amazonaws.com": "kinesisanalytics",
    "monitoring.eu-west-1.amazonaws.com": "cloudwatch",
    "sts.eu-west-1.amazonaws.com": "sts",
    "jobmanager.example.org": "flink",
    "10.96.0.1": "kubernetes",
    **{f"connect-{number}": "connect" for number in range(1, 4)},
}
ENVIRON = {
    "HUAWEICLOUD_SDK_AK": HUAWEI_KEY,
    "ALIBABA_CLOUD_ACCESS_KEY_ID": ALIBABA_KEY,
    "TENCENTCLOUD_SECRET_ID": TENCENT_ID,
    "AWS_ACCESS_KEY_ID": AWS_KEY,
    "KUBERNETES_SERVICE_HOST": "10.96.0.1",
    "KUBERNETES_SERVICE_PORT": "443",
}
_SECRETS = {
    "dli-sk": HUAWEI_SECRET,
    "iam-password": PASSWORD,
    "ram-secret": ALIBABA_SECRET,
    "cam-key": TENCENT_SECRET,
    "aws-key": AWS_SECRET,
    "connect-password": CONNECT_SECRET,
    "agent-token": "the-token-of-the-agents",
}
_MANAGERS = ".svc"


class Internet(httpx.AsyncBaseTransport):
    """Reach each simulated cloud at the hosts that the vendor serves it from."""

    def __init__(self, *, clock: Callable[[], float], jobs: int = 12) -> None:
        self.clouds = build_clouds(clock=clock, jobs=jobs)
        self._apps = {
            cloud.name: httpx.ASGITransport(app=cloud.app, raise_app_exceptions=True)
            for cloud in self.clouds.all()
        }

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer as whoever has the name; raises KeyError for who has none."""
        host = request.url.host
        if host.endswith(_MANAGERS):
            # The JobManagers stand behind one address in the simulation, by namespace and name.
            service, namespace, _ = host.split(".")
            path = f"/{namespace}/{service.removesuffix('-rest')}".encode() + request.url.raw_path
            request.url = request.url.copy_with(raw_path=path)
            return await self._apps["managers"].handle_async_request(request)
        return await self._apps[CLOUDS[host]].handle_async_request(request)


def put_secrets(text: str, folder: Path) -> str:
    """Write the secrets of the examples to a folder; return a configuration that reads them."""
    for name, secret in _SECRETS.items():
        (folder / name).write_text(secret)
    return text.replace("/run/secrets/", f"{folder}/")


def service_account(folder: Path) -> Path:
    """Write what the kubelet puts into a pod; return its folder."""
    folder.mkdir()
    (folder / "token").write_text(KUBERNETES_TOKEN)
    (folder / "ca.crt").write_text(certifi.contents())
    return folder
