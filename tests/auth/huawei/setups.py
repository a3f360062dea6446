"""What people set up in an environment, in files and on machines, and who that makes them.

`{address}` stands for the address of the simulated account, `{home}` for the home of the user.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.auth.huawei.account import OF_POD, OWN, PROVIDER
from tests.auth.tools import MARK

NOBODY = "nobody"
"""The SDK finds no credentials, or fails to get those that it means to use."""
MACHINE = "metadata"
FEDERATED = "user"
ASSOCIATED = f"pod:{'system:serviceaccount:monitoring:exporter'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """One set-up: who one is by it, or what is wrong; and who one is for the vendor's SDK."""

    name: str
    environ: Mapping[str, str] = field(default_factory=dict)
    profile: str = ""
    machine: bool = True
    expected: str = ""
    """Whom the key stands for; empty where there is none."""
    problem: str = ""
    sdk: str = ""
    """Whom it stands for in the SDK where that is somebody else."""

    def __str__(self) -> str:
        return self.name.replace(" ", "-")


KEY = {"HUAWEICLOUD_SDK_AK": "ENV", "HUAWEICLOUD_SDK_SK": MARK}
TRUST = {
    "HUAWEICLOUD_OIDC_PROVIDER_URN": PROVIDER.urn,
    "HUAWEICLOUD_OIDC_AGENCY_URN": OWN.urn,
}
OIDC = TRUST | {"HUAWEICLOUD_OIDC_TOKEN_FILE": "{home}/id-token"}
FEDERATION = {
    "HUAWEICLOUD_SDK_IDP_ID": PROVIDER.idp_id,
    "HUAWEICLOUD_SDK_ID_TOKEN_FILE": "{home}/id-token",
}
POD = {
    "HC_CONTAINER_CREDENTIALS_FULL_URI": "{address}/v1/credentials",
    "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE": "{home}/pod-token",
}
FILE = f"[basic]\nak = FILE\nsk = {MARK}\n"
FEDERATED_FILE = f"[basic]\nidp_id = {PROVIDER.idp_id}\nid_token_file = {{home}}/id-token\n"
_CREDENTIALS = "{home}/.huaweicloud/credentials"


def _without(environ: Mapping[str, str], name: str) -> dict[str, str]:
    return {each: value for each, value in environ.items() if each != name}


SETUPS = (
    Setup(name="nothing on a machine with an agency", expected=MACHINE),
    Setup(
        name="nothing anywhere",
        machine=False,
        problem="ECS metadata: no agency is attached to this server",
        sdk=NOBODY,
    ),
    Setup(name="a key in the environment", environ=KEY, expected="ENV"),
    Setup(name="a key and a profile", environ=KEY, profile=FILE, expected="ENV"),
    Setup(
        name="half of a key",
        environ=_without(KEY, "HUAWEICLOUD_SDK_SK"),
        problem="environment: HUAWEICLOUD_SDK_SK not set",
        sdk=MACHINE,
    ),
    Setup(
        name="a token without its key",
        environ={"HUAWEICLOUD_SDK_SECURITY_TOKEN": MARK},
        problem="environment: HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK not set",
        sdk=MACHINE,
    ),
    Setup(name="a profile", profile=FILE, expected="FILE"),
    Setup(name="a profile with a token", profile=f"{FILE}security_token = t\n", expected="FILE"),
    Setup(
        name="a profile elsewhere",
        environ={"HUAWEICLOUD_SDK_CREDENTIALS_FILE": _CREDENTIALS},
        profile=FILE,
        expected="FILE",
    ),
    Setup(
        name="a profile elsewhere that is not there",
        environ={"HUAWEICLOUD_SDK_CREDENTIALS_FILE": "{home}/nowhere"},
        problem="{home}/nowhere: no such file or directory",
        sdk=MACHINE,
    ),
    Setup(
        name="a profile of global services",
        profile=f"[global]\nak = G\nsk = {MARK}\n",
        problem=f"{_CREDENTIALS}: no section [basic]",
        sdk=MACHINE,
    ),
    Setup(
        name="a profile with half of a key",
        profile=f"[basic]\nsk = {MARK}\n",
        problem=f"{_CREDENTIALS}: neither ak and sk nor idp_id and id_token_file in [basic]",
        sdk=MACHINE,
    ),
    Setup(name="a profile with a provider", profile=FEDERATED_FILE, expected=FEDERATED),
    Setup(
        name="a profile with a provider and a key",
        profile=f"{FEDERATED_FILE}ak = FILE\nsk = {MARK}\n",
        expected=FEDERATED,
    ),
    Setup(
        name="a profile with a provider at an IAM of its own",
        environ={"HUAWEICLOUD_SDK_IAM_ENDPOINT": "{address}/nowhere"},
        profile=f"{FEDERATED_FILE}iam_endpoint = {{address}}\n",
        expected=FEDERATED,
    ),
    Setup(
        name="a profile with half of a provider and a key",
        profile=f"[basic]\nidp_id = x\nak = FILE\nsk = {MARK}\n",
        problem=f"{_CREDENTIALS}: idp_id without id_token_file in [basic]",
        sdk="FILE",
    ),
    Setup(
        name="a profile with a token file and a key",
        profile=f"[basic]\nid_token_file = x\nak = FILE\nsk = {MARK}\n",
        problem=f"{_CREDENTIALS}: id_token_file without idp_id in [basic]",
        sdk="FILE",
    ),
    Setup(name="OIDC with a token file", environ=OIDC, expected=OWN.urn),
    Setup(
        name="OIDC with a token",
        environ=TRUST | {"HUAWEICLOUD_OIDC_ID_TOKEN": "{id_token}"},
        expected=OWN.urn,
    ),
    Setup(
        name="OIDC with a session of its own",
        environ=OIDC
        | {
            "HUAWEICLOUD_OIDC_SESSION_NAME": "watching",
            "HUAWEICLOUD_OIDC_DURATION_SECONDS": "900",
            "HUAWEICLOUD_OIDC_POLICY": "{}",
            "HUAWEICLOUD_OIDC_POLICY_IDS": "one, two",
        },
        expected=OWN.urn,
    ),
    Setup(name="OIDC and a key", environ=OIDC | KEY, expected=OWN.urn),
    Setup(name="OIDC and federation", environ=OIDC | FEDERATION, expected=OWN.urn),
    Setup(
        name="OIDC whose token file is not there",
        environ=OIDC | KEY | {"HUAWEICLOUD_OIDC_TOKEN_FILE": "{home}/nowhere"},
        problem="{home}/nowhere: no such file or directory",
        sdk="ENV",
    ),
    Setup(
        name="OIDC whose token file is empty",
        environ=OIDC | {"HUAWEICLOUD_OIDC_TOKEN_FILE": "{home}/empty"},
        problem="{home}/empty: cannot be understood",
        sdk=MACHINE,
    ),
    Setup(
        name="OIDC with a token of another provider",
        environ=OIDC | {"HUAWEICLOUD_OIDC_TOKEN_FILE": "{home}/pod-token"},
        problem="AssumeAgencyWithOIDC failed: auth, HTTP 401, IAM.0101, the token of the identity",
        sdk=NOBODY,
    ),
    Setup(
        name="OIDC with an agency that does not trust it",
        environ=OIDC | {"HUAWEICLOUD_OIDC_AGENCY_URN": OF_POD.urn},
        problem="AssumeAgencyWithOIDC failed: auth, HTTP 403, PAP5.0011",
        sdk=NOBODY,
    ),
    Setup(
        name="OIDC without a token",
        environ=TRUST,
        problem="HUAWEICLOUD_OIDC_PROVIDER_URN is set, but not HUAWEICLOUD_OIDC_ID_TOKEN or "
        "HUAWEICLOUD_OIDC_TOKEN_FILE",
        sdk=MACHINE,
    ),
    Setup(
        name="OIDC without an agency",
        environ=_without(OIDC, "HUAWEICLOUD_OIDC_AGENCY_URN"),
        problem="HUAWEICLOUD_OIDC_PROVIDER_URN is set, but not HUAWEICLOUD_OIDC_AGENCY_URN",
        sdk=MACHINE,
    ),
    Setup(
        name="OIDC without an agency, and a key",
        environ=_without(OIDC, "HUAWEICLOUD_OIDC_AGENCY_URN") | KEY,
        expected="ENV",
    ),
    Setup(
        name="OIDC with a variable that is none",
        environ={"HUAWEICLOUD_OIDC_ID_TOKEN_FILE": "{home}/id-token"},
        problem="HUAWEICLOUD_OIDC_ID_TOKEN_FILE is set, but not HUAWEICLOUD_OIDC_PROVIDER_URN",
        sdk=MACHINE,
    ),
    Setup(
        name="OIDC for a time that is none",
        environ=OIDC | {"HUAWEICLOUD_OIDC_DURATION_SECONDS": "an hour"},
        problem="environment: HUAWEICLOUD_OIDC_DURATION_SECONDS is no number of seconds",
        sdk=NOBODY,
    ),
    Setup(name="federation", environ=FEDERATION, expected=FEDERATED),
    Setup(name="federation and a key", environ=FEDERATION | KEY, expected=FEDERATED),
    Setup(name="federation and a profile", environ=FEDERATION, profile=FILE, expected=FEDERATED),
    Setup(
        name="federation with a provider that nobody knows",
        environ=FEDERATION | {"HUAWEICLOUD_SDK_IDP_ID": "other"},
        problem="CreateUnscopedTokenWithIdToken failed: not_found, HTTP 404, the identity provider",
        sdk=NOBODY,
    ),
    Setup(
        name="federation whose token file is not there",
        environ=FEDERATION | {"HUAWEICLOUD_SDK_ID_TOKEN_FILE": "{home}/nowhere"},
        problem="{home}/nowhere: no such file or directory",
        sdk=NOBODY,
    ),
    Setup(
        name="half of federation",
        environ=_without(FEDERATION, "HUAWEICLOUD_SDK_ID_TOKEN_FILE"),
        problem="HUAWEICLOUD_SDK_IDP_ID is set, but not HUAWEICLOUD_SDK_ID_TOKEN_FILE",
        sdk=MACHINE,
    ),
    Setup(
        name="half of federation, and a key",
        environ=_without(FEDERATION, "HUAWEICLOUD_SDK_IDP_ID") | KEY,
        expected="ENV",
    ),
    Setup(name="a pod", environ=POD, machine=False, expected=ASSOCIATED),
    Setup(
        name="a pod on a machine with an agency",
        environ=POD,
        expected=ASSOCIATED,
        sdk=MACHINE,
    ),
    Setup(name="a pod with a key", environ=POD | KEY, expected="ENV"),
    Setup(name="a pod with a profile", environ=POD, profile=FILE, expected="FILE"),
    Setup(
        name="a pod without a token file",
        environ=_without(POD, "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
        problem="HC_CONTAINER_CREDENTIALS_FULL_URI is set, but not "
        "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        sdk=MACHINE,
    ),
    Setup(
        name="a pod whose token is refused",
        environ=POD | {"HC_CONTAINER_AUTHORIZATION_TOKEN_FILE": "{home}/id-token"},
        machine=False,
        problem="AssumeAgencyForPodIdentity failed: auth, HTTP 401, IAM.0101, the pod's token",
        sdk=NOBODY,
    ),
    Setup(
        name="a pod whose agent is somewhere else",
        environ=POD | {"HC_CONTAINER_CREDENTIALS_FULL_URI": "http://agent.example.com/v1"},
        problem="HC_CONTAINER_CREDENTIALS_FULL_URI is neither https:// nor an address within",
        sdk=MACHINE,
    ),
    Setup(
        name="an IAM that has no address",
        environ=FEDERATION | {"HUAWEICLOUD_SDK_IAM_ENDPOINT": f"ftp://{MARK}"},
        problem="environment: HUAWEICLOUD_SDK_IAM_ENDPOINT is no address",
        sdk=NOBODY,
    ),
)
