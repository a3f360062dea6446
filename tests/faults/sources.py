"""How a source of each platform is configured in the scenarios, and as whom it logs in."""

from collections.abc import Mapping

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

_ALIBABA_ROLE = (
    f"auth: {{access_key_id: {ALIBABA_KEY}, access_key_secret: {ALIBABA_SECRET}, "
    f"sts_endpoint: '<alibaba_sts>', assume_role: {{role_arn: '{ALIBABA_ROLE}'}}}}"
)
KEYS: Mapping[str, str] = {
    "huawei": f"auth: {{access_key: {HUAWEI_KEY}, secret_key: {HUAWEI_SECRET}}}",
    # A round a minute: each poll begins one.
    "huawei_cloud_eye": (
        f"auth: {{access_key: {HUAWEI_KEY}, secret_key: {HUAWEI_SECRET}}}, "
        "cloud_eye: true, cloud_eye_endpoint: '<cloud_eye>', poll_interval: 60s"
    ),
    "huawei_login": (
        f"auth: {{iam: {{endpoint: '<iam>', domain: {DOMAIN}, username: {USER}, "
        f"password: {PASSWORD}}}}}"
    ),
    "huawei_agency": (
        f"auth: {{access_key: {HUAWEI_KEY}, secret_key: {HUAWEI_SECRET}, "
        f"assume_agency: {{agency: {AGENCY.name}, domain_id: {AGENCY.domain_id}, "
        "endpoint: '<sts>'}}"
    ),
    "aws": f"auth: {{access_key_id: {AWS_KEY}, secret_access_key: {AWS_SECRET}}}",
    "aws_role": (
        f"auth: {{access_key_id: {AWS_KEY}, secret_access_key: {AWS_SECRET}, "
        f"role_arn: '{AWS_ROLE}', external_id: {AWS_EXTERNAL_ID}}}"
    ),
    "alibaba": f"auth: {{access_key_id: {ALIBABA_KEY}, access_key_secret: {ALIBABA_SECRET}}}",
    "alibaba_role": _ALIBABA_ROLE,
    # Batch jobs are a listing of their own, which needs no login once the other has done it.
    "alibaba_role_streams": f"{_ALIBABA_ROLE}, batch: false",
    "alibaba_proxy": (
        f"auth: {{access_key_id: {ALIBABA_KEY}, access_key_secret: {ALIBABA_SECRET}}}, "
        "input_delay: true"
    ),
    "alibaba_pod": "auth: {sts_endpoint: '<alibaba_sts>'}",
    "tencent": f"auth: {{secret_id: {TENCENT_ID}, secret_key: {TENCENT_SECRET}}}",
    "tencent_role": (
        f"auth: {{secret_id: {TENCENT_ID}, secret_key: {TENCENT_SECRET}, "
        f"assume_role: {{role_arn: '{TENCENT_ROLE}', external_id: {TENCENT_EXTERNAL_ID}}}}}"
    ),
}
PLATFORMS: Mapping[str, str] = {
    "huawei_dli": f"platform: huawei_dli, endpoint: '<dli>', project_id: {PROJECT_ID}",
    "huawei_dataarts": (
        f"platform: huawei_dataarts, endpoint: '<dataarts>', project_id: {PROJECT_ID}, "
        f"workspace: {DATAARTS_WORKSPACE}"
    ),
    "alibaba_blink": "platform: alibaba_blink, endpoint: '<foas>', projects: [project1]",
    "alibaba_flink": (
        f"platform: alibaba_flink, endpoint: '<ververica>', workspace: {WORKSPACE}, "
        "namespaces: [default]"
    ),
    "apache_flink": "platform: apache_flink, endpoint: '<flink>'",
    "aws_flink": (
        "platform: aws_flink, region: eu-west-1, endpoint: '<kinesisanalytics>', "
        "sts_endpoint: '<aws_sts>', metrics_interval: 0"
    ),
    "flink_operator": (
        f"platform: flink_operator, endpoint: '<kubernetes>', namespaces: [{NAMESPACE}], "
        f"auth: {{bearer: {{token: {KUBERNETES_TOKEN}}}}}, "
        "job_managers: {address: '<managers>/{namespace}/{name}'}"
    ),
    "kafka_connect": (
        "platform: kafka_connect, endpoint: '<connect>', cluster: orders, check_workers: false, "
        f"auth: {{basic: {{username: {CONNECT_USER}, password: {CONNECT_SECRET}}}}}"
    ),
    "tencent_oceanus": (
        "platform: tencent_oceanus, endpoint: '<oceanus>', monitor_endpoint: '<monitor>', "
        f"region: ap-guangzhou, workspaces: [{OCEANUS_SPACE}], monitor: true"
    ),
}
