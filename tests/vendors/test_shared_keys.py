"""Sources with one key share its guard, whether `auth` names it or it was found."""

import asyncio
from collections.abc import Callable

import pytest

from exporter.auth.guard import GuardBook, Guarding, RejectionGuard
from exporter.auth.settings import AlibabaAuthSettings
from exporter.files import at_once
from exporter.runtime import Runtime
from exporter.source import SourceSettings
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.connector import Connector
from exporter.vendors import alibaba_credentials, huawei_login
from exporter.vendors.huawei import HuaweiSettings
from exporter.vendors.tencent.settings import TencentSettings
from exporter.vendors.tencent.settings import credentials as tencent_credentials

Open = Callable[[dict[str, str] | None, Callable[[SourceSettings], Connector]], Guarding]
"""Return the guard of a source with a key, or with one that has to be found."""


def huawei(
    key: dict[str, str] | None, connector: Callable[[SourceSettings], Connector]
) -> Guarding:
    settings = HuaweiSettings.model_validate(
        {
            "name": "s",
            "platform": "huawei_dli",
            "region": "cn-north-4",
            "project_id": "0123456789abcdef0123456789abcdef",
            "auth": key,
        }
    )
    guard = huawei_login.log_in(settings, connector(settings)).guard
    assert guard is not None
    return guard


def alibaba(
    key: dict[str, str] | None, connector: Callable[[SourceSettings], Connector]
) -> Guarding:
    settings = SourceSettings.model_validate({"name": "s", "platform": "p"})
    auth = None if key is None else AlibabaAuthSettings.model_validate(key)
    return alibaba_credentials.credentials(auth, connector(settings), elsewhere=False)[1]


def tencent(
    key: dict[str, str] | None, connector: Callable[[SourceSettings], Connector]
) -> Guarding:
    settings = TencentSettings.model_validate(
        {"name": "s", "platform": "p", "region": "ap-guangzhou", "auth": key}
    )
    return tencent_credentials(settings, connector(settings))[1]


@pytest.mark.parametrize(
    ("open_source", "variables", "names"),
    [
        (huawei, "HUAWEICLOUD_SDK_AK HUAWEICLOUD_SDK_SK", "access_key secret_key"),
        (
            alibaba,
            "ALIBABA_CLOUD_ACCESS_KEY_ID ALIBABA_CLOUD_ACCESS_KEY_SECRET",
            "access_key_id access_key_secret",
        ),
        (tencent, "TENCENTCLOUD_SECRET_ID TENCENTCLOUD_SECRET_KEY", "secret_id secret_key"),
    ],
    ids=["huawei", "alibaba", "tencent"],
)
def test_key_that_one_names_and_another_finds_has_one_guard(
    open_source: Open, variables: str, names: str
) -> None:
    guards = GuardBook()
    runtime = Runtime(
        environ=dict(zip(variables.split(), ("AK", "found"), strict=True)), aside=at_once
    )

    def connector(settings: SourceSettings) -> Connector:
        return Connector(settings, runtime=runtime, telemetry=Telemetry(), guards=guards)

    def named(key: str) -> Guarding:
        return open_source(dict(zip(names.split(), (key, "s"), strict=True)), connector)

    async def chosen() -> list[RejectionGuard]:
        each = named("AK"), open_source(None, connector), named("other")
        return [await guard.chosen() for guard in each]

    one, found, other = asyncio.run(chosen())
    assert one is found
    assert one is not other
