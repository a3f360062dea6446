"""Give examples of the inputs that no fixture holds."""

_FULL = b"""\
defaults:
  poll_interval: 30s
  stale_after: 5m
  rate_limit: 10
  labels: {team: payments}
sources:
  - name: dli-prod
    platform: huawei_dli
    region: cn-north-4
    project_id: 330e068af1334c9782f4226acc00a2e2
    auth: {access_key: "${NAME}", secret_key: "${UNSET:-x}", security_token: "$${NAME}"}
    jobs: {include: ["prod_.*"], exclude: [], ids: [101, "102"], drafts: true}
    expect: ["orders_.*"]
    labels: {team: payments}
    tls: {insecure_skip_verify: false}
    proxy_url: http://user:pass@proxy:3128
  - name: token
    platform: huawei_dataarts
    endpoint: https://dayu.example.com/base
    project_id: p
    workspace: w
    auth: {iam: {endpoint: https://iam.example.com, username: u, password: p, domain: d}}
  - {name: blink, platform: alibaba_blink, region: cn-shanghai, projects: [project1],
     auth: {access_key_id: a, access_key_secret: b}}
  - {name: vvp, platform: alibaba_flink, region: cn-hangzhou, workspace: w, namespaces: [default],
     auth: {access_key_id: a, access_key_secret: b}, state_series: current}
  - {name: flink, platform: apache_flink, endpoint: "http://localhost:8081",
     auth: {basic: {username: u, password: p}}}
  - {name: msf, platform: aws_flink, region: eu-west-1, metrics_interval: 5m, metrics: [restarts],
     auth: {access_key_id: a, secret_access_key: b, role_arn: "arn:aws:iam::123456789012:role/r"}}
edge:
  database: edge.db
  expire_after: 10m
  projects: {330e: {token: t}}
  relay: {source: dli-prod}
"""
CONFIGURATIONS = (
    _FULL,
    b"sources:\n  - {name: f, platform: apache_flink, endpoint: 'http://localhost:8081'}\n",
    b"edge: {database: e.db, projects: {p: {token: t}}}\n",
    b"a: &a [x, x]\nb: &b [*a, *a]\nsources: [*b, *b]\n",
    b"base: &base {name: x}\nsources: [{<<: *base, platform: apache_flink}]\n",
    b"sources: [{name: 0xffff, platform: 2001-12-14, region: !!binary aGk=, ? [a] : b}]\n",
    b"sources: !!set {a, b}\ndefaults: !!omap [a: 1]\n--- \n...\n",
    b'{"sources": [{"name": "\\ud800", "platform": 1e999, "region": .nan}]}\n',
)

WEB_CONFIGURATIONS = (
    b"""\
tls_server_config:
  cert: "-----BEGIN CERTIFICATE-----\\nMIIB\\n-----END CERTIFICATE-----"
  key_file: server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.pem
  client_allowed_sans: [prometheus]
  min_version: TLS12
  max_version: TLS13
  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]
  curve_preferences: [X25519]
""",
    b"""\
basic_auth_users:
  prometheus: $2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG
http_server_config:
  http2: true
  headers: {X-Frame-Options: deny, Strict-Transport-Security: max-age=1}
rate_limit: {interval: 1s, burst: 20}
""",
    b"",
)

REPORTS = (
    b'{"jobs": [{"job_id": 99270, "status": "job_submit_fail", "create_time": 1591104868201,'
    b' "exceptions": {"error_id": "Agent.51000", "error_type": "Other", "error_cause": "a",'
    b' "exception": "b", "error_time": "2020-06-02 13:34:28"}}], "message_id": "uuid",'
    b' "msg_confirm_topic": "$hw/job/confirm"}',
    b'{"jobs": [{"status": "job_running", "create_time": 1591104868, "metrics": {"total_read_rate":'
    b' 5, "sources": [{"records": 1}, {"records": "2"}], "sinks": [], "input_delay": 20,'
    b' "restart_times": 1, "x": {"y": [1, 2.5]}}, "plan": {"execute_graph": {"jid": "j", "state":'
    b' "RUNNING", "start-time": 1, "duration": 5, "vertices": [{"parallelism": 2, "tasks":'
    b' {"RUNNING": 2}}], "timestamps": {"RUNNING": 1591104868201}}}}], "message_id": "m"}',
    b'{"jobs": [{"status": "job_idle", "create_time": 1591104868201, "metrics": "{\\"a\\": 1}",'
    b' "plan": "lost", "exceptions": "{}"}], "message_id": "m"}',
)

INSTANCES = (
    b'{"Instance": {"Id": 1, "JobName": "orders", "ActualState": "RUNNING",'
    b' "ExpectState": "RUNNING", "QueueName": "q", "EngineVersion": "blink-3.2", "InputDelay": 20,'
    b' "StartTime": 1591104868201, "EndTime": 0, "LastOperateTime": 1591104868201, "LastErrorTime":'
    b' 1591104868201, "LastErrorMessage": "java.lang.IllegalStateException: x"}}',
    b'{"jobName": "orders", "actualState": "WAITING", "inputDelay": "-99999999", "id": "2"}',
    b"<GetInstanceResponse><Instance><JobName>orders</JobName></Instance></GetInstanceResponse>",
)

REFUSALS = (
    b'\x04{"error_code": "DLI.0999", "error_msg": "busy"}',
    b'\x03[{"error_code": "DLI.16001", "error_msg": "no such job"}]',
    b'\x00{"is_success": "false", "message": "token expired"}',
    b'\x05{"error": {"code": 401, "message": "This requires authentication."}}',
    b'\x03{"RequestId": "r", "HostId": "h", "Code": "Throttling.User", "Message": "slow down"}',
    b"\x03<Error><Code>SignatureDoesNotMatch</Code><Message>x</Message></Error>",
    b'\x00{"success": false, "errorCode": "990302", "errorMessage": "Deployment_NotFound"}',
    b'\x07{"errors": ["org.apache.flink.runtime.rest.NotFoundException: Job '
    b'00000000000000000000000000000000 not found"]}',
    b'\x0a{"errors": ["UnavailableDispatcherOperationException: initializing"]}',
    b"\x0c<html><body>503</body></html>",
    b'\x07{"RemoteException": {"exception": "NotFoundException", "message": "no such app"}}',
    b"\x00There is no active RM right now.",
    b'\x04{"__type": "com.amazonaws.x#ThrottlingException:http://y", "message": "Rate exceeded"}',
)

DURATIONS = (b"30s", b"1d2h3m4s5ms", b"500ms", b"0s", b"1.5s", b"")
PAUSES = (b"120", b"Wed, 21 Oct 2026 07:28:00 GMT", b"Wed, 21 Oct 2026 07:28:00 -0000", b"-1")
TIMES = (b"2026-11-21T15:00:00Z", b"2026-11-21T15:00:00.000000Z", b"2026-11-21", b"20261121T15")
PROFILES = (
    b"[default]\nak = a\nsk = b # c\n",
    b"[profile one]\naccess_key_id: a%b\n  more\n[two]\n",
    b"; comment\n[DEFAULT]\nx=1\n[a]\ny\n",
)
CLOUD_EYE = (
    b'{"metrics": [{"namespace": "SYS.DLI", "metric_name": "flink_read_records_per_second", '
    b'"dimensions": [{"name": "flink_job_id", "value": "1"}], "unit": "record/s", '
    b'"datapoints": [{"average": 12.5, "timestamp": 1700000000000}]}, '
    b'{"metric_name": "flink_max_op_latency", "dimensions": [{"name": "flink_job_id", '
    b'"value": "1"}], "datapoints": [{"average": "7", "timestamp": 1700000000000}]}]}',
    b'{"metrics": [{"metric_name": "flink_max_op_backpressure_level", "dimensions": '
    b'[{"name": "flink_job_id", "value": 1}], "datapoints": [{"average": 100, "timestamp": '
    b'1700000000000}, {"average": -1}]}, null]}',
)
HUAWEI_KEYS = (
    b'{"credential": {"access": "a", "secret": "s", "securitytoken": "t", '
    b'"expires_at": "2026-11-21T15:00:00.000000Z"}}',
    b'{"credentials": {"accessKeyId": "a", "secretAccessKey": "s", "securityToken": "t", '
    b'"expiration": "2026-11-21T15:00:00Z"}}',
    b'{"access_key_id": "a", "secret_access_key": "\xc3\xa9", "expiration": "9999-01-01"}',
    b'{"credential": null, "expires_at": 1}',
)
ADDRESSES = (b":10370", b"127.0.0.1:80", b"[::1]:443", b"localhost:0", b"[fe80::1%eth0]:1")
SHARDS = (b"0/1", b"auto/4", b"3/4", b"x/1")
TARGETS_JSON = (
    b'[{"targets": ["jm:8081", "[::1]:80"], "labels": {"cluster": "x", "__scheme__": "https"}}]',
    b'[{"Targets": null, "labels": {"__api_path__": "/a"}}, {"targets": ["u:p@h", "127.1:1"]}]',
    b"null",
)
TARGETS_YAML = (
    b"- targets: [jm:8081, 8081]\n  labels: {cluster: x, __scheme__: https}\n",
    b"- targets: &t ['a:1']\n  labels:\n    cluster: ~\n- targets: *t\n",
    b"# nothing\n",
)
