"""The set-ups that users have: what is set, who asks then, or the sentence that says what is wrong.

`vendor` is who the vendor's library asks as where that differs, and then `why` says why ours does
otherwise. A machine with a role stands behind all of them.
"""

from tests.auth.alibaba.setup_makers import (
    Setup,
    command,
    environment,
    ini,
    pod,
)
from tests.auth.alibaba.simulated_cloud import (
    ACCESS_CONFIGURATION,
    ACCOUNT,
    EXTERNAL_ID,
    KEY,
    MACHINE,
    OAUTH_TOKEN,
    PERSON,
    SECRET,
    SIDECAR,
    SSO_TOKEN,
    THEIRS,
    USER,
    role,
)

_ENV_KEY = {"ACCESS_KEY_ID": KEY, "ACCESS_KEY_SECRET": SECRET}
_AK = {"access_key_id": KEY, "access_key_secret": SECRET}
_PASSED_OVER = "the library goes on to the next place, and signs as the machine"

_RAM = {"mode": "RamRoleArn", **_AK, "ram_session_name": "cli"}
_SSO = {
    "mode": "CloudSSO",
    "cloud_sso_sign_in_url": "https://signin.sso.example.com/device/login",
    "cloud_sso_account_id": ACCOUNT,
    "cloud_sso_access_config": ACCESS_CONFIGURATION,
    "access_token": SSO_TOKEN,
    "cloud_sso_access_token_expire": 3600,
}
_OAUTH = {
    "mode": "OAuth",
    "oauth_site_type": "CN",
    "oauth_access_token": OAUTH_TOKEN,
    "oauth_access_token_expire": 3600,
    "oauth_refresh_token": "MARKED-refresh-token",
}
_KEY_LINES = (f"access_key_id = {KEY}", f"access_key_secret = {SECRET}")
_STS = ("sts.aliyuncs.com",)
_URI = "http://sidecar.example.com/credentials?pod=exporter"

SETUPS = (
    Setup(name="nothing is set up on a machine with a role", make=environment(), asks_as=MACHINE),
    Setup(
        name="nothing is set up, and the machine may not be asked",
        make=environment(ECS_METADATA_DISABLED="true"),
        sentence="ECS metadata: disabled by ALIBABA_CLOUD_ECS_METADATA_DISABLED",
    ),
    Setup(name="a key in the environment", make=environment(**_ENV_KEY), asks_as=USER),
    Setup(
        name="half a key in the environment",
        make=environment(ACCESS_KEY_ID=KEY),
        sentence="environment: ALIBABA_CLOUD_ACCESS_KEY_SECRET not set",
        vendor=MACHINE,
        why=_PASSED_OVER,
    ),
    Setup(
        name="a key in the environment and a role for it to assume",
        make=environment(**_ENV_KEY, ROLE_ARN=role("watcher")),
        asks_as=role("watcher"),
        vendor=USER,
        why="the library signs with the key, and leaves the role that was meant alone",
        sts=_STS,
    ),
    Setup(
        name="a role in the environment that nobody assumes",
        make=environment(ROLE_ARN=role("watcher")),
        sentence="environment: ALIBABA_CLOUD_ROLE_ARN is set, but neither "
        "ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET nor "
        "ALIBABA_CLOUD_OIDC_PROVIDER_ARN and ALIBABA_CLOUD_OIDC_TOKEN_FILE",
        vendor=MACHINE,
        why=_PASSED_OVER,
    ),
    Setup(name="a pod with RRSA", make=pod(), asks_as=role("watcher"), sts=_STS),
    Setup(
        name="a pod with RRSA and the STS of a region",
        make=pod(STS_REGION="cn-hangzhou", ROLE_SESSION_NAME="mine"),
        asks_as=role("watcher"),
        sts=("sts.cn-hangzhou.aliyuncs.com",),
    ),
    Setup(
        name="a pod with RRSA and the STS within its network",
        make=pod(STS_REGION="cn-hangzhou", VPC_ENDPOINT_ENABLED="true"),
        asks_as=role("watcher"),
        sts=("sts-vpc.cn-hangzhou.aliyuncs.com",),
    ),
    Setup(
        name="a pod with RRSA and a key",
        make=pod(ACCESS_KEY_ID=KEY, ACCESS_KEY_SECRET=SECRET),
        asks_as=USER,
    ),
    Setup(
        name="a pod whose token is not there",
        make=pod(OIDC_TOKEN_FILE="/nonexistent/token"),
        sentence="OIDC token file /nonexistent/token: no such file or directory",
        vendor=MACHINE,
        why=_PASSED_OVER,
    ),
    Setup(
        name="a pod whose token has expired",
        make=pod(ago=7200),
        sentence="AssumeRoleWithOIDC failed: auth, HTTP 400, AuthenticationFail.OIDCToken.Expired, "
        "the OIDC token has expired",
        vendor=MACHINE,
        why=_PASSED_OVER,
        sts=_STS,
    ),
    Setup(
        name="a pod whose token is for somebody else",
        make=pod(audience="vault"),
        sentence="the OIDC token is for another audience, RRSA wants sts.aliyuncs.com",
        vendor=MACHINE,
        why=_PASSED_OVER,
        sts=_STS,
    ),
    Setup(
        name="a pod whose service account the role does not trust",
        make=pod("system:serviceaccount:default:other"),
        sentence="AuthenticationFail.NoPermission, the role does not trust this pod, or the OIDC "
        "provider is not registered",
        vendor=MACHINE,
        why=_PASSED_OVER,
        sts=_STS,
    ),
    Setup(
        name="a pod with RRSA by halves",
        make=pod(OIDC_PROVIDER_ARN=""),
        sentence="environment: ALIBABA_CLOUD_ROLE_ARN and ALIBABA_CLOUD_OIDC_TOKEN_FILE are set, "
        "but ALIBABA_CLOUD_OIDC_PROVIDER_ARN not",
        vendor=MACHINE,
        why=_PASSED_OVER,
    ),
    Setup(name="command, AK", make=command({"mode": "AK", **_AK}), asks_as=USER),
    Setup(
        name="command, a profile by its name",
        make=command({"mode": "AK"}, {"name": "mine", "mode": "AK", **_AK}, PROFILE="mine"),
        asks_as=USER,
    ),
    Setup(
        name="command, StsToken",
        make=command({"mode": "StsToken"}, issued=PERSON),
        asks_as=PERSON,
    ),
    Setup(
        name="command, RamRoleArn",
        make=command({**_RAM, "ram_role_arn": role("watcher"), "expired_seconds": 900}),
        asks_as=role("watcher"),
        sts=_STS,
    ),
    Setup(
        name="command, RamRoleArn with the STS of a region within the network",
        make=command(
            {
                **_RAM,
                "ram_role_arn": role("watcher"),
                "sts_region": "cn-beijing",
                "enable_vpc": True,
            },
        ),
        asks_as=role("watcher"),
        sts=("sts-vpc.cn-beijing.aliyuncs.com",),
    ),
    Setup(
        name="command, RamRoleArn with an external id",
        make=command({**_RAM, "ram_role_arn": role("guarded"), "external_id": EXTERNAL_ID}),
        asks_as=role("guarded"),
        sts=_STS,
    ),
    Setup(
        name="command, RamRoleArn without the external id",
        make=command({**_RAM, "ram_role_arn": role("guarded")}),
        sentence="AssumeRole failed: auth, HTTP 403, NoPermission, the role does not trust these "
        "credentials, they lack sts:AssumeRole, or the external id is not the one it wants",
        vendor=MACHINE,
        why=_PASSED_OVER,
        sts=_STS,
    ),
    Setup(
        name="command, RamRoleArn with a wrong secret",
        make=command(
            {**_RAM, "ram_role_arn": role("watcher"), "access_key_secret": "MARKED-wrong"},
        ),
        sentence="SignatureDoesNotMatch, the secret of the access key is wrong",
        vendor=MACHINE,
        why=_PASSED_OVER,
        sts=_STS,
    ),
    Setup(
        name="command, RamRoleArn of a role that is not there",
        make=command({**_RAM, "ram_role_arn": role("nobody")}),
        sentence="HTTP 404, EntityNotExist.Role, the role does not exist",
        vendor=MACHINE,
        why=_PASSED_OVER,
        sts=_STS,
    ),
    Setup(
        name="command, RamRoleArn for longer than the role allows",
        make=command({**_RAM, "ram_role_arn": role("watcher"), "expired_seconds": 7200}),
        sentence="the role does not allow sessions of this duration",
        vendor=MACHINE,
        why=_PASSED_OVER,
        sts=_STS,
    ),
    Setup(
        name="command, RamRoleArn without a role",
        make=command(_RAM),
        sentence="~/.aliyun/config.json: no ram_role_arn",
        vendor=MACHINE,
        why=_PASSED_OVER,
    ),
    Setup(
        name="command, a chain into another account",
        make=command(
            {
                "mode": "ChainableRamRoleArn",
                "source_profile": "first",
                "ram_role_arn": role("reader", THEIRS),
                "expired_seconds": 7200,
            },
            {**_RAM, "name": "first", "ram_role_arn": role("watcher")},
        ),
        asks_as=role("reader", THEIRS),
        sts=_STS * 2,
    ),
    Setup(
        name="command, a chain that begins with the machine",
        make=command(
            {
                "mode": "ChainableRamRoleArn",
                "source_profile": "machine",
                "ram_role_arn": role("watcher"),
            },
            {"name": "machine", "mode": "EcsRamRole"},
        ),
        asks_as=role("watcher"),
        sts=_STS,
    ),
    Setup(
        name="command, a chain that leads in a circle",
        make=command(
            {
                "mode": "ChainableRamRoleArn",
                "source_profile": "default",
                "ram_role_arn": role("watcher"),
            },
        ),
        sentence="~/.aliyun/config.json: source_profile leads in a circle or too far",
        vendor=MACHINE,
        why=_PASSED_OVER,
    ),
    Setup(
        name="command, a chain that begins nowhere",
        make=command(
            {
                "mode": "ChainableRamRoleArn",
                "source_profile": "none",
                "ram_role_arn": role("watcher"),
            },
        ),
        sentence="~/.aliyun/config.json: the profile that source_profile names is not there",
        vendor=MACHINE,
        why=_PASSED_OVER,
    ),
    Setup(
        name="command, OIDC",
        make=command({"mode": "OIDC", "ram_role_arn": role("watcher"), "oidc_token_file": ""}),
        asks_as=role("watcher"),
        sts=_STS,
    ),
    Setup(
        name="command, EcsRamRole",
        make=command({"mode": "EcsRamRole", "ram_role_name": "streaming-job-exporter"}),
        asks_as=MACHINE,
    ),
    Setup(name="command, CloudSSO", make=command(_SSO), asks_as=PERSON),
    Setup(
        name="command, CloudSSO that has ended",
        make=command({**_SSO, "cloud_sso_access_token_expire": -60}),
        sentence="~/.aliyun/config.json: the sign-in has ended, sign in again with aliyun",
        vendor=MACHINE,
        why=_PASSED_OVER,
    ),
    Setup(
        name="command, OAuth with the keys of the last exchange",
        make=command({**_OAUTH, "oauth_access_token_expire": -60}, issued=PERSON),
        asks_as=PERSON,
    ),
    Setup(
        name="command, OAuth with its token only",
        make=command(_OAUTH),
        asks_as=PERSON,
    ),
    Setup(
        name="command, OAuth that has ended",
        make=command({**_OAUTH, "oauth_access_token_expire": -60}, issued=PERSON, seconds=-60),
        sentence="~/.aliyun/config.json: the sign-in has ended, sign in again with aliyun",
        vendor=MACHINE,
        why="the library replaces the token in the file, and here goes on when that is refused",
    ),
    Setup(
        name="command, External",
        make=command({"mode": "External", "process_command": "/bin/false"}),
        sentence="~/.aliyun/config.json: mode External is not supported",
        vendor=MACHINE,
        why="no program that a file names is run",
    ),
    Setup(
        name="command, a mode that nobody knows",
        make=command({"mode": "RsaKeyPair"}),
        sentence="~/.aliyun/config.json: mode RsaKeyPair is not supported",
        vendor=MACHINE,
        why=_PASSED_OVER,
    ),
    Setup(
        name="command that is not to be read, and an INI file",
        make=lambda world: {
            **command({"mode": "AK", "access_key_id": "other", "access_key_secret": "x"})(world),
            **ini("type = access_key", *_KEY_LINES, CLI_PROFILE_DISABLED="true")(world),
        },
        asks_as=USER,
    ),
    Setup(
        name="INI, access_key of a section and a file by their names",
        make=ini("type = access_key", *_KEY_LINES, section="mine", file="mine.ini", PROFILE="mine"),
        asks_as=USER,
    ),
    Setup(
        name="INI, ram_role_arn",
        make=ini("type = ram_role_arn", *_KEY_LINES, f"role_arn = {role('watcher')}"),
        asks_as=role("watcher"),
        sts=_STS,
    ),
    Setup(
        name="INI, oidc_role_arn",
        make=ini("type = oidc_role_arn", f"role_arn = {role('watcher')}", token=True),
        asks_as=role("watcher"),
        sts=_STS,
    ),
    Setup(
        name="INI, ecs_ram_role",
        make=ini("type = ecs_ram_role", "role_name = streaming-job-exporter"),
        asks_as=MACHINE,
    ),
    Setup(
        name="INI, ram_role_arn without a key",
        make=ini("type = ram_role_arn", f"role_arn = {role('watcher')}"),
        sentence="~/.alibabacloud/credentials.ini: no access_key_id and access_key_secret",
        vendor=MACHINE,
        why=_PASSED_OVER,
    ),
    Setup(
        name="INI, rsa_key_pair",
        make=ini("type = rsa_key_pair", "public_key_id = x", "private_key_file = /nonexistent"),
        sentence="~/.alibabacloud/credentials.ini: type rsa_key_pair is not supported",
        vendor=MACHINE,
        why=_PASSED_OVER,
    ),
    Setup(
        name="a credentials URI on no machine of the cloud",
        make=environment(CREDENTIALS_URI=_URI, ECS_METADATA_DISABLED="true"),
        asks_as=SIDECAR,
    ),
    Setup(
        name="a credentials URI on a machine with a role",
        make=environment(CREDENTIALS_URI=_URI),
        asks_as=SIDECAR,
        vendor=MACHINE,
        why="the library prefers the role of the machine to what was set up",
    ),
    Setup(
        name="a credentials URI that has none",
        make=environment(CREDENTIALS_URI="http://sidecar.example.com/credentials"),
        sentence="environment: ALIBABA_CLOUD_CREDENTIALS_URI: HTTP 403 for keys",
        vendor=MACHINE,
        why=_PASSED_OVER,
    ),
)
