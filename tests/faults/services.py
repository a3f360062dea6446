"""The simulated services of one scenario, each behind a door of its own."""

import contextlib
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.types import ASGIApp

from exporter.simulator.alibaba import foas as alibaba_foas
from exporter.simulator.alibaba import metadata as alibaba_metadata
from exporter.simulator.alibaba import ververica as alibaba_ververica
from exporter.simulator.alibaba.access import Access, AccessKey
from exporter.simulator.alibaba.oidc import OidcIssuer
from exporter.simulator.alibaba.sts import Role, Sts
from exporter.simulator.apache_flink import service as apache_flink
from exporter.simulator.aws import cloudwatch as aws_cloudwatch
from exporter.simulator.aws import kinesisanalytics as aws_kinesisanalytics
from exporter.simulator.aws import metadata as aws_metadata
from exporter.simulator.aws import sts as aws_sts
from exporter.simulator.aws.access import AwsAccess, AwsKey
from exporter.simulator.clouds import (
    AGENCY,
    ALIBABA_KEY,
    ALIBABA_ROLE,
    ALIBABA_SECRET,
    AWS_EXTERNAL_ID,
    AWS_KEY,
    AWS_ROLE,
    AWS_SECRET,
    CONNECT_SECRET,
    CONNECT_USER,
    DATAARTS_WORKSPACE,
    DOMAIN,
    HUAWEI_KEY,
    HUAWEI_SECRET,
    KUBERNETES_ACCOUNT,
    KUBERNETES_TOKEN,
    NAMESPACE,
    OCEANUS_SPACE,
    PASSWORD,
    PROJECT_ID,
    TENCENT_EXTERNAL_ID,
    TENCENT_ID,
    TENCENT_ROLE,
    TENCENT_SECRET,
    USER,
    WORKSPACE,
)
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet, Phase
from exporter.simulator.huawei import cloud_eye as huawei_cloud_eye
from exporter.simulator.huawei import dataarts as huawei_dataarts
from exporter.simulator.huawei import dli as huawei_dli
from exporter.simulator.huawei import iam as huawei_iam
from exporter.simulator.huawei import metadata as huawei_metadata
from exporter.simulator.huawei import sts as huawei_sts
from exporter.simulator.huawei.access import HuaweiAccess
from exporter.simulator.huawei.agencies import HuaweiAgencies
from exporter.simulator.huawei.tokens import HuaweiTokens
from exporter.simulator.kafka_connect.cluster import ConnectCluster
from exporter.simulator.kafka_connect.service import ConnectLogin, Worker
from exporter.simulator.kubernetes import service as kubernetes
from exporter.simulator.kubernetes.access import FLINK, Account, KubernetesAccess
from exporter.simulator.kubernetes.operator import JobManagers, SimulatedOperator
from exporter.simulator.tencent import metadata as tencent_metadata
from exporter.simulator.tencent import monitor as tencent_monitor
from exporter.simulator.tencent import oceanus as tencent_oceanus
from exporter.simulator.tencent import sts as tencent_sts
from exporter.simulator.tencent.access import CamRole, TencentAccess, TencentKey
from tests.faults.ever_changing import UnexplainedFailure, UpdatedApplication
from tests.faults.faulty_listener import FaultyListener
from tests.faults.half_idle import HalfIdle
from tests.faults.restless import Restless
from tests.faults.standing_still import StandingStill
from tests.faults.without_state import WithoutState

STEADY = "steady"
_POD = "system:serviceaccount:monitoring:exporter"
_TENCENT_ROLE = "qcs::cam::uin/100000000001:roleName/exporter"
QUIET = "quiet"
"""A job that is stopped: it has a state, and costs no questions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The doors by host, and what is behind them."""

    listeners: dict[str, FaultyListener]
    fleet: Fleet
    tokens: HuaweiTokens
    surroundings: Mapping[str, Mapping[str, str]]
    """The environments of places that a cloud trusts."""


@contextlib.asynccontextmanager
async def serving(
    clock: Callable[[], float],
    *hosts: str,
    context: ssl.SSLContext | None = None,
    token_seconds: float = 86400.0,
) -> AsyncIterator[Services]:
    """Serve some hosts; all show the same two jobs.

    With a TLS context it is spoken at every door but those of the metadata services.
    """
    began = clock() - 7200
    fleet = Fleet(seed=1, started_at=began, jobs=0)
    # In this order: the simulated Flink gives every fifth number a job without event time.
    fleet.add(QUIET, began + 60, phase=Phase.RUNNING)
    fleet.add(STEADY, began + 60, phase=Phase.RUNNING)
    fleet.set_phase(QUIET, Phase.STOPPED, began + 120)
    tokens = HuaweiTokens(lifetime=token_seconds)
    huawei = HuaweiAccess(keys={HUAWEI_KEY: HUAWEI_SECRET}, tokens=tokens)
    key = AwsKey(key_id=AWS_KEY, secret=AWS_SECRET)
    aws = AwsAccess(key, roles={AWS_ROLE: AWS_EXTERNAL_ID}, role_seconds=token_seconds)
    tencent = TencentAccess(TencentKey(secret_id=TENCENT_ID, secret_key=TENCENT_SECRET))
    watcher = CamRole(
        arn=TENCENT_ROLE, trusts=frozenset({TENCENT_ID}), external_id=TENCENT_EXTERNAL_ID
    )
    user = "acs:ram::1000000000000001:user/exporter"
    alibaba = Access(AccessKey(key_id=ALIBABA_KEY, secret=ALIBABA_SECRET, principal=user))
    role = Role(arn=ALIBABA_ROLE, trusts=frozenset({user}), trusts_pods=frozenset({_POD}))
    issuer = OidcIssuer()
    pod_token = issuer.token(_POD, now=clock(), lifetime=10 * 86400)
    aws.web_tokens.add(pod_token)

    def calm() -> FaultInjection:
        return FaultInjection(started_at=began)

    def flink() -> ASGIApp:
        return apache_flink.build(fleet=fleet, faults=calm(), clock=clock)

    def connect() -> ASGIApp:
        access = ConnectLogin(username=CONNECT_USER, password=CONNECT_SECRET)
        return Worker(ConnectCluster(fleet), faults=calm(), clock=clock, access=access).app()

    cluster = kubernetes.KubernetesCluster(clock=clock)
    SimulatedOperator(fleet=fleet, cluster=cluster, clock=clock, faults=calm(), namespace=NAMESPACE)
    account = Account(name=KUBERNETES_ACCOUNT, token=KUBERNETES_TOKEN, rules=(FLINK,))

    applications: dict[str, Callable[[], ASGIApp]] = {
        "iam": lambda: huawei_iam.build(
            faults=calm(),
            clock=clock,
            tokens=tokens,
            domain=DOMAIN,
            users={USER: PASSWORD},
            projects={PROJECT_ID: "cn-north-4"},
        ),
        "sts": lambda: huawei_sts.build(
            faults=calm(), clock=clock, access=huawei, agencies=HuaweiAgencies([AGENCY])
        ),
        "dli": lambda: huawei_dli.build(
            fleet=fleet, faults=calm(), clock=clock, access=huawei, project_id=PROJECT_ID
        ),
        "cloud_eye": lambda: huawei_cloud_eye.build(
            fleet=fleet, faults=calm(), clock=clock, access=huawei, project_id=PROJECT_ID
        ),
        "dataarts": lambda: huawei_dataarts.build(
            fleet=fleet,
            faults=calm(),
            clock=clock,
            access=huawei,
            project_id=PROJECT_ID,
            workspaces=(DATAARTS_WORKSPACE,),
        ),
        "huawei_metadata": lambda: huawei_metadata.build(faults=calm(), clock=clock, access=huawei),
        "foas": lambda: alibaba_foas.build(fleet=fleet, faults=calm(), clock=clock, access=alibaba),
        "ververica": lambda: alibaba_ververica.build(
            fleet=fleet, faults=calm(), clock=clock, access=alibaba, workspace=WORKSPACE
        ),
        "alibaba_metadata": lambda: alibaba_metadata.build(
            faults=calm(), clock=clock, access=alibaba
        ),
        "alibaba_sts": lambda: Sts(
            role, faults=calm(), clock=clock, access=alibaba, issuer=issuer
        ).app(),
        "oceanus": lambda: tencent_oceanus.build(
            fleet=fleet, faults=calm(), clock=clock, access=tencent, workspace=OCEANUS_SPACE
        ),
        "monitor": lambda: tencent_monitor.build(
            fleet=fleet, faults=calm(), clock=clock, access=tencent
        ),
        "tencent_metadata": lambda: tencent_metadata.build(
            faults=calm(), clock=clock, access=tencent
        ),
        "flink": lambda: Restless(HalfIdle(flink())),
        "flink_standing_still": lambda: StandingStill(flink()),
        "kinesisanalytics": lambda: aws_kinesisanalytics.build(
            fleet=fleet, faults=calm(), clock=clock, access=aws
        ),
        "cloudwatch": lambda: aws_cloudwatch.build(
            fleet=fleet, faults=calm(), clock=clock, access=aws
        ),
        "aws_sts": lambda: aws_sts.build(faults=calm(), clock=clock, access=aws),
        "kinesisanalytics_ever_changing": lambda: UpdatedApplication(
            aws_kinesisanalytics.build(fleet=fleet, faults=calm(), clock=clock, access=aws), STEADY
        ),
        "oceanus_ever_changing": lambda: UnexplainedFailure(
            tencent_oceanus.build(
                fleet=fleet, faults=calm(), clock=clock, access=tencent, workspace=OCEANUS_SPACE
            ),
            QUIET,
        ),
        "tencent_sts": lambda: tencent_sts.build(
            faults=calm(),
            clock=clock,
            access=tencent,
            token=pod_token,
            role_arn=_TENCENT_ROLE,
            roles=[watcher],
        ),
        "aws_of_containers_metadata": lambda: aws_metadata.build(
            faults=calm(), clock=clock, access=aws
        ),
        "aws_metadata": lambda: aws_metadata.build(faults=calm(), clock=clock, access=aws),
        "kubernetes": lambda: kubernetes.build(
            cluster=cluster,
            faults=calm(),
            clock=clock,
            access=KubernetesAccess([account], clock=clock),
        ),
        "managers": lambda: Restless(JobManagers(cluster)),
        "connect": connect,
        "connect_in_part": lambda: WithoutState(connect(), STEADY),
        "bystander": flink,
    }
    async with contextlib.AsyncExitStack() as stack:
        listeners = {}
        for host in hosts:
            spoken = None if host.endswith("_metadata") or host == "bystander" else context
            listeners[host] = await stack.enter_async_context(
                FaultyListener(applications[host](), context=spoken)
            )
        token = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "token"
        token.write_text(pod_token)
        container = listeners.get("aws_of_containers_metadata")
        port = 0 if container is None else container.port
        surroundings = {
            "alibaba_pod": {
                "ALIBABA_CLOUD_ROLE_ARN": role.arn,
                "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": issuer.provider_arn,
                "ALIBABA_CLOUD_OIDC_TOKEN_FILE": str(token),
            },
            "aws_pod": {"AWS_ROLE_ARN": AWS_ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": str(token)},
            "aws_container": {
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{port}/v1/credentials"
            },
            "tencent_pod": {
                "TKE_REGION": "ap-guangzhou",
                "TKE_PROVIDER_ID": "cls-1",
                "TKE_WEB_IDENTITY_TOKEN_FILE": str(token),
                "TKE_ROLE_ARN": _TENCENT_ROLE,
            },
        }
        yield Services(listeners=listeners, fleet=fleet, tokens=tokens, surroundings=surroundings)
