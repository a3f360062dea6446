"""Put the simulated clouds together: nine platforms, their logins, and a configuration for them.

Each cloud is an ASGI application with a fleet and faults of its own. Where they are served is up
to the caller: on loopback for the demo, or in memory.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.types import ASGIApp

from exporter.simulator.alibaba import foas as alibaba_foas
from exporter.simulator.alibaba import ververica as alibaba_ververica
from exporter.simulator.alibaba.access import Access, AccessKey
from exporter.simulator.apache_flink import service as apache_flink
from exporter.simulator.aws import cloudwatch as aws_cloudwatch
from exporter.simulator.aws import kinesisanalytics as aws_kinesisanalytics
from exporter.simulator.aws import sts as aws_sts
from exporter.simulator.aws.access import AwsAccess, AwsKey
from exporter.simulator.edge_agent import TOKEN
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet
from exporter.simulator.huawei import cloud_eye as huawei_cloud_eye
from exporter.simulator.huawei import dataarts as huawei_dataarts
from exporter.simulator.huawei import dli as huawei_dli
from exporter.simulator.huawei import iam as huawei_iam
from exporter.simulator.huawei.access import HuaweiAccess
from exporter.simulator.huawei.agencies import Agency
from exporter.simulator.huawei.tokens import HuaweiTokens
from exporter.simulator.kafka_connect.cluster import ConnectCluster
from exporter.simulator.kafka_connect.service import ConnectLogin, Worker
from exporter.simulator.kubernetes import service as kubernetes
from exporter.simulator.kubernetes.access import FLINK, Account, KubernetesAccess
from exporter.simulator.kubernetes.operator import JobManagers, SimulatedOperator
from exporter.simulator.tencent import monitor as tencent_monitor
from exporter.simulator.tencent import oceanus as tencent_oceanus
from exporter.simulator.tencent.access import TencentAccess, TencentKey

PROJECT_ID = "330e068af1334c9782f4226acc00a2e2"
HUAWEI_KEY, HUAWEI_SECRET = "DEMOHUAWEIACCESSKEY0", "demo-huawei-secret-key"
ALIBABA_KEY, ALIBABA_SECRET = "LTAIdemoAccessKeyId", "demo-alibaba-access-key-secret"
AWS_KEY, AWS_SECRET = "AKIADEMOACCESSKEYID0", "demo/aws+secret-access-key"
AWS_ROLE, AWS_EXTERNAL_ID = "arn:aws:iam::123456789012:role/demo-reader", "demo-external-id"
ALIBABA_ROLE = "acs:ram::1000000000000001:role/watcher"
TENCENT_ID, TENCENT_SECRET = "AKIDdemoTencentSecretId", "demo-tencent-secret-key"
TENCENT_ROLE = "qcs::cam::uin/100000000002:roleName/watcher"
TENCENT_EXTERNAL_ID = "demo-tencent-external-id"
USER, PASSWORD, DOMAIN = "demo-exporter", "demo-iam-password", "demo-domain"
AGENCY = Agency(
    name="watched-by-exporter",
    domain="demo-customer",
    domain_id="0a1b2c3d4e5f60718293a4b5c6d7e8f9",
    project_id=PROJECT_ID,
)
WORKSPACE = "a14bd5d90a0001"
DATAARTS_WORKSPACE = "5f1c8a2b7d904c0e"
OCEANUS_SPACE = "space-demo0001"
NAMESPACE = "streams"
CONNECT_USER, CONNECT_SECRET = "demo-monitor", "demo-connect-secret"
KUBERNETES_ACCOUNT, KUBERNETES_TOKEN = (
    "system:serviceaccount:monitoring:exporter",
    "demo-kubernetes-service-account-token",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """One simulated API."""

    name: str
    app: ASGIApp
    faults: FaultInjection
    fleet: Fleet | None
    """The jobs behind it; None for the login service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clouds:
    """All simulated APIs by name.

    `managers` are the JobManagers of what `kubernetes` runs, `monitor` knows the jobs of `oceanus`.
    """

    iam: Cloud
    dli: Cloud
    cloud_eye: Cloud
    dataarts: Cloud
    foas: Cloud
    ververica: Cloud
    flink: Cloud
    kubernetes: Cloud
    managers: Cloud
    connect: Cloud
    kinesisanalytics: Cloud
    cloudwatch: Cloud
    sts: Cloud
    oceanus: Cloud
    monitor: Cloud

    def all(self) -> tuple[Cloud, ...]:
        """Return every cloud."""
        return (
            *(
                self.iam,
                self.dli,
                self.cloud_eye,
                self.dataarts,
                self.foas,
                self.ververica,
                self.flink,
            ),
            *(self.kubernetes, self.managers, self.connect),
            *(self.kinesisanalytics, self.cloudwatch, self.sts, self.oceanus, self.monitor),
        )


def build_clouds(*, clock: Callable[[], float], seed: int = 1, jobs: int = 12) -> Clouds:
    """Build all clouds, each with so many jobs."""
    started_at = clock()
    tokens = HuaweiTokens()
    huawei = HuaweiAccess(keys={HUAWEI_KEY: HUAWEI_SECRET}, tokens=tokens)
    alibaba = Access(AccessKey(key_id=ALIBABA_KEY, secret=ALIBABA_SECRET), seed=seed)
    calm = FaultInjection(started_at=started_at)
    dli_faults = FaultInjection(started_at=started_at)
    monitoring_faults = FaultInjection(started_at=started_at)
    vvp_weather = FaultInjection(started_at=started_at)

    def fleet(number: int, *, plain_names: bool = False) -> Fleet:
        return Fleet(seed=seed + number, started_at=started_at, jobs=jobs, plain_names=plain_names)

    dli, dataarts, foas = fleet(0), fleet(1), fleet(2, plain_names=True)
    ververica, flink = fleet(3), fleet(4)
    dataarts_faults, foas_faults = (
        FaultInjection(started_at=started_at),
        FaultInjection(started_at=started_at),
    )
    flink_faults = FaultInjection(started_at=started_at)
    operated = fleet(6, plain_names=True)
    kubernetes_cloud, managers_cloud = _kubernetes(operated, clock, started_at)
    control, metrics, roles = _aws(fleet(8, plain_names=True), clock, started_at)
    oceanus_cloud, monitor_cloud = _tencent(fleet(9), clock, started_at, seed)
    return Clouds(
        kinesisanalytics=control,
        cloudwatch=metrics,
        sts=roles,
        kubernetes=kubernetes_cloud,
        managers=managers_cloud,
        connect=_connect(fleet(7), clock, started_at),
        oceanus=oceanus_cloud,
        monitor=monitor_cloud,
        iam=Cloud(
            name="iam",
            fleet=None,
            faults=calm,
            app=huawei_iam.build(
                faults=calm,
                clock=clock,
                tokens=tokens,
                domain=DOMAIN,
                users={USER: PASSWORD},
                projects={PROJECT_ID: "cn-north-4"},
            ),
        ),
        dli=Cloud(
            name="dli",
            fleet=dli,
            faults=dli_faults,
            app=huawei_dli.build(
                fleet=dli, faults=dli_faults, clock=clock, access=huawei, project_id=PROJECT_ID
            ),
        ),
        # The same jobs: whoever goes through all fleets meets them once.
        cloud_eye=Cloud(
            name="cloud_eye",
            fleet=None,
            faults=monitoring_faults,
            app=huawei_cloud_eye.build(
                fleet=dli,
                faults=monitoring_faults,
                clock=clock,
                access=huawei,
                project_id=PROJECT_ID,
            ),
        ),
        dataarts=Cloud(
            name="dataarts",
            fleet=dataarts,
            faults=dataarts_faults,
            app=huawei_dataarts.build(
                fleet=dataarts,
                faults=dataarts_faults,
                clock=clock,
                access=huawei,
                project_id=PROJECT_ID,
                workspaces=(DATAARTS_WORKSPACE,),
            ),
        ),
        foas=Cloud(
            name="foas",
            fleet=foas,
            faults=foas_faults,
            app=alibaba_foas.build(
                fleet=foas, faults=foas_faults, clock=clock, access=alibaba, seed=seed
            ),
        ),
        ververica=Cloud(
            name="ververica",
            fleet=ververica,
            faults=vvp_weather,
            app=alibaba_ververica.build(
                fleet=ververica,
                faults=vvp_weather,
                clock=clock,
                access=alibaba,
                workspace=WORKSPACE,
                seed=seed,
            ),
        ),
        flink=Cloud(
            name="flink",
            fleet=flink,
            faults=flink_faults,
            app=apache_flink.build(fleet=flink, faults=flink_faults, clock=clock),
        ),
    )


def _kubernetes(fleet: Fleet, clock: Callable[[], float], started_at: float) -> tuple[Cloud, Cloud]:
    """Build a cluster of Kubernetes with a Flink operator, and the JobManagers of its jobs."""
    faults = FaultInjection(started_at=started_at)
    manager_faults = FaultInjection(started_at=started_at)
    cluster = kubernetes.KubernetesCluster(clock=clock)
    SimulatedOperator(
        fleet=fleet, cluster=cluster, clock=clock, faults=manager_faults, namespace=NAMESPACE
    )
    account = Account(name=KUBERNETES_ACCOUNT, token=KUBERNETES_TOKEN, rules=(FLINK,))
    access = KubernetesAccess([account], clock=clock)
    app = kubernetes.build(cluster=cluster, faults=faults, clock=clock, access=access)
    return (
        Cloud(name="kubernetes", fleet=fleet, faults=faults, app=app),
        # The same jobs: whoever goes through all fleets meets them once.
        Cloud(name="managers", fleet=None, faults=manager_faults, app=JobManagers(cluster)),
    )


def _connect(fleet: Fleet, clock: Callable[[], float], started_at: float) -> Cloud:
    """Build a worker of a Kafka Connect cluster."""
    faults = FaultInjection(started_at=started_at)
    access = ConnectLogin(username=CONNECT_USER, password=CONNECT_SECRET)
    worker = Worker(ConnectCluster(fleet), faults=faults, clock=clock, access=access)
    return Cloud(name="connect", fleet=fleet, faults=faults, app=worker.app())


def _aws(fleet: Fleet, clock: Callable[[], float], started_at: float) -> tuple[Cloud, Cloud, Cloud]:
    """Build the control plane of one account of AWS, its CloudWatch, and its STS."""
    key = AwsKey(key_id=AWS_KEY, secret=AWS_SECRET)
    access = AwsAccess(key, roles={AWS_ROLE: AWS_EXTERNAL_ID})
    control, metrics, roles = (FaultInjection(started_at=started_at) for _ in range(3))
    return (
        Cloud(
            name="kinesisanalytics",
            fleet=fleet,
            faults=control,
            app=aws_kinesisanalytics.build(fleet=fleet, faults=control, clock=clock, access=access),
        ),
        # The same jobs: whoever goes through all fleets meets them once.
        Cloud(
            name="cloudwatch",
            fleet=None,
            faults=metrics,
            app=aws_cloudwatch.build(fleet=fleet, faults=metrics, clock=clock, access=access),
        ),
        Cloud(
            name="sts",
            fleet=None,
            faults=roles,
            app=aws_sts.build(faults=roles, clock=clock, access=access),
        ),
    )


def _tencent(
    fleet: Fleet, clock: Callable[[], float], started_at: float, seed: int
) -> tuple[Cloud, Cloud]:
    """Build Oceanus and the Cloud Monitor that watches it."""
    access = TencentAccess(TencentKey(secret_id=TENCENT_ID, secret_key=TENCENT_SECRET), seed=seed)
    faults, monitor_faults = (FaultInjection(started_at=started_at) for _ in range(2))
    oceanus = tencent_oceanus.build(
        fleet=fleet,
        faults=faults,
        clock=clock,
        access=access,
        workspace=OCEANUS_SPACE,
        seed=seed,
    )
    monitor = tencent_monitor.build(
        fleet=fleet, faults=monitor_faults, clock=clock, access=access, seed=seed
    )
    return (
        Cloud(name="oceanus", fleet=fleet, faults=faults, app=oceanus),
        # The same jobs: whoever goes through all fleets meets them once.
        Cloud(name="monitor", fleet=None, faults=monitor_faults, app=monitor),
    )


def configuration(addresses: Mapping[str, str]) -> str:
    """Return a configuration that watches the clouds served at these addresses, by their names."""
    return f"""\
defaults: {{poll_interval: 5s, detail_interval: 15s, stale_after: 1m, rate_limit: 50}}
sources:
  - name: dli-prod
    platform: huawei_dli
    endpoint: {addresses["dli"]}
    project_id: {PROJECT_ID}
    auth: {{access_key: {HUAWEI_KEY}, secret_key: {HUAWEI_SECRET}}}
    cloud_eye: true
    cloud_eye_endpoint: {addresses["cloud_eye"]}
    jobs: {{drafts: true}}
    expect: ["orders_.*", "settlement_report"]
    labels: {{team: payments}}
  - name: factory
    platform: huawei_dataarts
    endpoint: {addresses["dataarts"]}
    project_id: {PROJECT_ID}
    workspace: {DATAARTS_WORKSPACE}
    auth:
      iam:
        endpoint: {addresses["iam"]}
        domain: {DOMAIN}
        username: {USER}
        password: {PASSWORD}
  - name: blink
    platform: alibaba_blink
    endpoint: {addresses["foas"]}
    projects: [project1]
    auth: {{access_key_id: {ALIBABA_KEY}, access_key_secret: {ALIBABA_SECRET}}}
  - name: vvp
    platform: alibaba_flink
    endpoint: {addresses["ververica"]}
    workspace: {WORKSPACE}
    namespaces: [default]
    auth: {{access_key_id: {ALIBABA_KEY}, access_key_secret: {ALIBABA_SECRET}}}
  - {{name: flink, platform: apache_flink, endpoint: "{addresses["flink"]}"}}
  - name: operator
    platform: flink_operator
    endpoint: {addresses["kubernetes"]}
    namespaces: [{NAMESPACE}]
    auth: {{bearer: {{token: {KUBERNETES_TOKEN}}}}}
    job_managers: {{address: "{addresses["managers"]}/{{namespace}}/{{name}}"}}
  - name: connect
    platform: kafka_connect
    endpoints: ["{addresses["connect"]}"]
    cluster: orders
    auth: {{basic: {{username: {CONNECT_USER}, password: {CONNECT_SECRET}}}}}
    check_workers: false
  - name: msf
    platform: aws_flink
    region: eu-west-1
    endpoint: {addresses["kinesisanalytics"]}
    cloudwatch_endpoint: {addresses["cloudwatch"]}
    sts_endpoint: {addresses["sts"]}
    metrics_interval: 30s
    metrics: [restarts, input_delay, checkpoints]
    auth:
      access_key_id: {AWS_KEY}
      secret_access_key: {AWS_SECRET}
      role_arn: {AWS_ROLE}
      external_id: {AWS_EXTERNAL_ID}
  - name: oceanus
    platform: tencent_oceanus
    endpoint: {addresses["oceanus"]}
    monitor_endpoint: {addresses["monitor"]}
    region: ap-guangzhou
    workspaces: [{OCEANUS_SPACE}]
    detail_interval: 1m
    monitor: true
    auth: {{secret_id: {TENCENT_ID}, secret_key: {TENCENT_SECRET}}}
"""


def edge_configuration(database: Path) -> str:
    """Return what to add to a configuration to receive the reports of the simulated agent."""
    return f"""\
edge:
  database: {database}
  expire_after: 1m
  projects: {{{PROJECT_ID}: {{token: {TOKEN}}}}}
"""
