"""What holds for the keys of either vendor: no file and no answer is shown."""

import httpx

from exporter.errors import FetchError, Reason
from tests.auth.sources.key_places import Place, problem
from tests.auth.tools import MARK


def test_profile_that_is_not_text_is_named_untold(place: Place) -> None:
    """The exception for text that is not UTF-8 holds all of it."""
    path = place.write(".huaweicloud/credentials", "")
    path.write_bytes(MARK.encode() + b"\xff")
    assert f"{path}: cannot be understood" in problem(place.huawei())


def test_session_token_of_a_proxy_is_not_sent_on(place: Place) -> None:
    """A proxy that answers in place of the service sends a page, which no header can carry."""
    place.handler = lambda request: httpx.Response(200, text=f"<html>{MARK} é</html>")
    for chain in (place.huawei(), place.alibaba()):
        assert problem(chain).endswith("ECS metadata: the session token is not one")


def test_metadata_failure_of_the_client_is_told_by_its_reason(place: Place) -> None:
    """The exporter's own client turns every failure into a FetchError."""

    async def send(
        request: httpx.Request, operation: str = "", *, direct: bool = False
    ) -> httpx.Response:
        raise FetchError(Reason.TIMEOUT, "GetSecurityKey", detail=MARK)

    for chain in (place.huawei(send), place.alibaba(send)):
        assert problem(chain).endswith("ECS metadata: no answer (timeout)")
