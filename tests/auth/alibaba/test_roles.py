"""Keys of roles are had with one login, renewed before they end, and refusals say what is wrong."""

import asyncio
from pathlib import Path

import httpx
import pytest

from exporter.auth.alibaba.chain import alibaba_chain
from exporter.auth.alibaba.sts import Role, Sts, sts_endpoint
from exporter.auth.alibaba.surroundings import Surroundings
from exporter.auth.credentials import CredentialProvider, Credentials
from exporter.auth.guard import GuardBook
from exporter.errors import CredentialError, FetchError, Reason, UnusableError
from exporter.files import at_once
from exporter.secret import TextSecret
from tests.auth.alibaba.setup_makers import World
from tests.auth.alibaba.simulated_cloud import (
    EXTERNAL_ID,
    KEY,
    SECRET,
    SIDECAR,
    SimulatedCloud,
    role,
)
from tests.auth.tools import MARK, Clock, everything_told
from tests.virtual_time import run

STS = "https://sts.example.com"


class Bench:
    """A pod with RRSA before a simulated cloud."""

    def __init__(self, home: Path, **variables: str) -> None:
        self.home = home
        self.clock = Clock()
        self.cloud = SimulatedCloud(self.clock)
        self.world = World(home=home, cloud=self.cloud)
        self.token = self.world.token()
        self.environ = {
            "ALIBABA_CLOUD_ROLE_ARN": role("watcher"),
            "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": self.cloud.issuer.provider_arn,
            "ALIBABA_CLOUD_OIDC_TOKEN_FILE": self.token,
        } | variables

    def surroundings(self, **options: object) -> Surroundings:
        return Surroundings(
            environ=self.environ,
            send=self.cloud.send,
            clock=self.clock,
            aside=at_once,
            metadata_url="http://100.100.100.200",
            guards=GuardBook(clock=self.clock),
            **options,  # type: ignore[arg-type]
        )

    def chain(self) -> CredentialProvider:
        return alibaba_chain(self.home, self.surroundings())

    @property
    def logins(self) -> int:
        return len(self.cloud.sts.sessions)


def test_many_who_wait_cost_one_login(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    chain = bench.chain()

    async def ask() -> set[str]:
        found = await asyncio.gather(*(chain.credentials() for _ in range(50)))
        return {keys.access_key for keys in found}

    assert len(run(ask())) == 1
    assert bench.cloud.sts.sessions == [(role("watcher"), "streaming-job-exporter")]


def test_keys_are_renewed_a_quarter_of_an_hour_before_they_end(tmp_path: Path) -> None:
    """With the token that the kubelet has put there meanwhile."""
    bench = Bench(tmp_path)
    chain = bench.chain()
    first = run(chain.credentials())
    bench.clock.now += 3600 - 901
    assert run(chain.credentials()) == first
    bench.clock.now += 2
    bench.world.token()
    second = run(chain.credentials())
    assert second != first
    assert second.expires_at == pytest.approx(bench.clock.now + 3600, abs=1)


def test_keys_that_are_good_survive_an_sts_that_is_down(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    chain = bench.chain()
    first = run(chain.credentials())
    bench.cloud.faults.outage = True
    bench.clock.now += 3000
    assert run(chain.credentials()) == first
    bench.clock.now += 700
    with pytest.raises(FetchError) as caught:
        run(chain.credentials())
    assert (caught.value.reason, caught.value.retryable) == (Reason.SERVER, True)


def test_short_session_is_not_renewed_all_the_time(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    surroundings = bench.surroundings()
    user = _Fixed(Credentials(KEY, SECRET))
    keys = surroundings.assumed(user, Role(arn=role("watcher"), seconds=900))

    async def poll_for_half_an_hour() -> None:
        for _ in range(30):
            await keys.credentials()
            bench.clock.now += 60

    run(poll_for_half_an_hour())
    assert bench.logins == 3


def test_profile_that_was_changed_is_logged_in_to_anew(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.environ.clear()
    chain = bench.chain()
    text = (
        "[default]\ntype = ram_role_arn\nrole_session_name = {session}\n"
        f"access_key_id = {KEY}\naccess_key_secret = {SECRET}\nrole_arn = {role('watcher')}\n"
    )
    for session in ("one", "one", "two"):
        bench.world.write(".alibabacloud/credentials.ini", text.format(session=session))
        run(chain.credentials())
    assert [session for _, session in bench.cloud.sts.sessions] == ["one", "two"]


def test_what_the_command_writes_after_a_sign_in_is_used_at_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.environ.clear()
    chain = bench.chain()
    profile = '{{"current": "x", "profiles": [{{"name": "x", "mode": "AK", {keys}}}]}}'
    for key in ("first", "second"):
        keys = f'"access_key_id": "{key}", "access_key_secret": "s"'
        bench.world.write(".aliyun/config.json", profile.format(keys=keys))
        assert run(chain.credentials()).access_key == key


def test_uri_is_asked_past_any_proxy_and_renewed(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.environ.clear()
    bench.environ["ALIBABA_CLOUD_CREDENTIALS_URI"] = (
        "http://sidecar.example.com/credentials?pod=exporter"
    )
    chain = bench.chain()
    keys = run(chain.credentials())
    assert bench.cloud.principal(keys.access_key) == SIDECAR
    run(chain.credentials())
    assert bench.cloud.asked == ["sidecar.example.com"]


@pytest.mark.parametrize(
    "address",
    [f"{MARK}", f"http://u:{MARK}@h/", f"ftp://h/{MARK}", "http://", f"http://h:99999999/{MARK}"],
)
def test_uri_that_is_no_address_is_named_untold(tmp_path: Path, address: str) -> None:
    bench = Bench(tmp_path)
    bench.environ.clear()
    bench.environ["ALIBABA_CLOUD_CREDENTIALS_URI"] = address
    with pytest.raises(CredentialError) as caught:
        run(bench.chain().credentials())
    assert "environment: ALIBABA_CLOUD_CREDENTIALS_URI is no http" in str(caught.value)
    assert MARK not in everything_told(caught.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [("", "the token is empty"), (" \n", "the token is empty"), (f"{MARK} é", "not a token")],
)
def test_token_that_is_none_is_named_untold(tmp_path: Path, text: str, problem: str) -> None:
    bench = Bench(tmp_path)
    bench.world.write("token", text)
    with pytest.raises(CredentialError) as caught:
        run(bench.chain().credentials())
    assert str(caught.value).endswith(f"OIDC token file {bench.token}: {problem}")
    assert MARK not in everything_told(caught.value)
    assert bench.logins == 0


def test_token_that_is_no_text_is_named_untold(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    Path(bench.token).write_bytes(MARK.encode() + b"\xff")
    with pytest.raises(CredentialError) as caught:
        run(bench.chain().credentials())
    assert str(caught.value).endswith("not a token")
    assert MARK not in everything_told(caught.value)


@pytest.mark.parametrize("variables", [{}, {"ALIBABA_CLOUD_OIDC_PROVIDER_ARN": ""}])
def test_role_that_is_no_arn_is_named_untold(tmp_path: Path, variables: dict[str, str]) -> None:
    bench = Bench(tmp_path, ALIBABA_CLOUD_ROLE_ARN=MARK, **variables)
    if variables:
        bench.environ["ALIBABA_CLOUD_OIDC_TOKEN_FILE"] = ""
        bench.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"] = KEY
        bench.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] = SECRET
    with pytest.raises(CredentialError) as caught:
        run(bench.chain().credentials())
    told = "environment: ALIBABA_CLOUD_ROLE_ARN is no acs:ram::<account>:role/<name>"
    assert told in str(caught.value)
    assert MARK not in everything_told(caught.value)


def test_sts_of_another_cloud_is_not_guessed(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    surroundings = bench.surroundings(elsewhere=True)
    with pytest.raises(CredentialError) as caught:
        run(alibaba_chain(tmp_path, surroundings).credentials())
    assert str(caught.value).endswith(
        "the STS of this endpoint is not known, give auth.sts_endpoint"
    )
    assert bench.cloud.asked == []
    given = bench.surroundings(elsewhere=True, sts_endpoint="https://sts.stack.example")
    run(alibaba_chain(tmp_path, given).credentials())
    assert bench.cloud.asked == ["sts.stack.example"]


@pytest.mark.parametrize(
    ("environ", "options", "expected"),
    [
        ({}, {}, "https://sts.aliyuncs.com"),
        ({"VPC_ENDPOINT_ENABLED": "true"}, {}, "https://sts.aliyuncs.com"),
        ({"STS_REGION": "cn-x"}, {"vpc": True}, "https://sts-vpc.cn-x.aliyuncs.com"),
        (
            {"STS_REGION": "cn-x", "VPC_ENDPOINT_ENABLED": "TRUE"},
            {"vpc": False, "region": "cn-y"},
            "https://sts.cn-y.aliyuncs.com",
        ),
        ({"STS_REGION": "evil.example/"}, {}, None),
    ],
)
def test_sts_is_where_the_sdks_look_for_it(
    environ: dict[str, str], options: dict[str, object], expected: str | None
) -> None:
    variables = {f"ALIBABA_CLOUD_{name}": value for name, value in environ.items()}
    assert sts_endpoint(variables, **options) == expected  # type: ignore[arg-type]


def test_secrets_of_a_role_are_not_shown() -> None:
    shown = repr(Role(arn=role("guarded"), external_id=TextSecret(EXTERNAL_ID), policy=MARK))
    assert MARK not in shown


class _Fixed:
    def __init__(self, keys: Credentials) -> None:
        self.keys = keys

    async def credentials(self) -> Credentials:
        return self.keys


def told_by(answer: httpx.Response | Exception) -> FetchError:
    """Return what is told of an STS that answers so."""

    async def send(
        request: httpx.Request, operation: str, *, direct: bool = False
    ) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    sts = Sts(STS, send=send, guards=GuardBook(), clock=Clock())
    with pytest.raises(FetchError) as caught:
        run(sts.assume(Role(arn=role("watcher")), Credentials(KEY, SECRET)))
    assert MARK not in everything_told(caught.value)
    return caught.value


def refusal(status: int, code: str, **headers: str) -> httpx.Response:
    body = {"Code": code, "Message": MARK, "RequestId": "R"}
    return httpx.Response(status, json=body, headers=headers)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (refusal(403, "NoPermission.Anything"), "auth, HTTP 403, NoPermission.Anything, the role "),
        (refusal(400, "InvalidParameter.Other"), "auth, HTTP 400, InvalidParameter.Other"),
        (refusal(404, "InvalidAction.NotFound"), "not_found, HTTP 404, InvalidAction.NotFound, th"),
        (refusal(409, "Conflict"), "invalid_response, HTTP 409, Conflict, this is no STS"),
        (refusal(400, "Throttling.User"), "throttled, HTTP 400, Throttling.User"),
        (refusal(429, "Busy"), "throttled, HTTP 429, Busy"),
        (refusal(503, "ServiceUnavailable"), "server, HTTP 503, ServiceUnavailable"),
        (refusal(403, f"{MARK} é"), "auth, HTTP 403"),
        (httpx.Response(404, text=f"<html>{MARK}"), "invalid_response, HTTP 404, this is no STS"),
        (httpx.Response(302, text=""), "invalid_response, HTTP 302, this is no STS"),
        (httpx.Response(200, text="[]"), "invalid_response, HTTP 200, no usable keys"),
        (httpx.Response(200, json={"Credentials": {}}), "invalid_response, HTTP 200, no usable k"),
        (
            httpx.Response(
                200,
                json={
                    "Credentials": {
                        "AccessKeyId": "a",
                        "AccessKeySecret": MARK,
                        "Expiration": "2030-01-01T00:00:00Z",
                    }
                },
            ),
            "invalid_response, HTTP 200, no usable keys, security token and expiry in the answer",
        ),
        (httpx.ConnectError(f"no route to {MARK}"), "connection, ConnectError"),
        (FetchError(Reason.TIMEOUT, "AssumeRole"), "timeout"),
    ],
)
def test_answer_of_sts_that_gives_no_keys_says_why(
    answer: httpx.Response | Exception, told: str
) -> None:
    assert str(told_by(answer)).startswith(f"AssumeRole failed: {told}")


def test_throttled_sts_is_left_alone_as_long_as_it_says() -> None:
    assert told_by(refusal(429, "Throttling", **{"Retry-After": "7"})).retry_after == 7.0


def test_refused_key_rests_after_three_logins(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    sts = bench.surroundings().sts()
    stranger = Credentials(KEY, "MARKED-wrong")
    for _ in range(3):
        with pytest.raises(FetchError, match="the secret of the access key is wrong"):
            run(sts.assume(Role(arn=role("watcher")), stranger))
    with pytest.raises(CredentialError, match="their use is paused"):
        run(sts.assume(Role(arn=role("watcher")), stranger))
    assert len(bench.cloud.asked) == 3
    # A key that was put right is used at once.
    run(sts.assume(Role(arn=role("watcher")), Credentials(KEY, SECRET)))


def test_unknown_sts_is_no_reason_to_ask_another() -> None:
    sts = Sts(None, send=SimulatedCloud(Clock()).send, guards=GuardBook(), clock=Clock())
    with pytest.raises(UnusableError, match=r"give auth\.sts_endpoint"):
        run(sts.assume(Role(arn=role("watcher")), Credentials(KEY, SECRET)))
