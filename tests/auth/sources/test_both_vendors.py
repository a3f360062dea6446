"""What holds for the keys of either vendor: no file and no answer is shown."""

import httpx
import pytest

from exporter.errors import FetchError, Reason
from tests.auth.sources.key_places import Place, found, problem
from tests.auth.sources.metadata_services import AlibabaServer, HuaweiServer
from tests.auth.tools import CHARSETS, MARK, said_to_be


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


@pytest.mark.parametrize("charset", CHARSETS)
def test_charset_that_an_answer_names_changes_nothing(place: Place, charset: str) -> None:
    for server, chain in ((HuaweiServer(), place.huawei()), (AlibabaServer(), place.alibaba())):

        def answer(
            request: httpx.Request, server: HuaweiServer | AlibabaServer = server
        ) -> httpx.Response:
            return said_to_be(server(request), charset)

        place.handler = answer
        assert found(chain).access_key == "ak"


@pytest.mark.parametrize("charset", CHARSETS)
def test_refusal_of_the_metadata_is_read_whatever_charset_it_names(
    place: Place, charset: str
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            return httpx.Response(404)
        text = "you must configure Cloud Service Agency"
        return said_to_be(httpx.Response(401, text=text), charset)

    place.handler = answer
    assert problem(place.huawei()).endswith("ECS metadata: no agency is attached to this server")
