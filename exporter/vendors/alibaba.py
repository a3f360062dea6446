"""Keep what the two Alibaba Cloud platforms share: where they are, how to log in, what they send.

Vendor pages: "Request structure" (endpoints by region) and "Common parameters" of foas 2018-11-11,
"Endpoints" of ververica 2022-07-18, the endpoint map of the vendor's SDKs for foas.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from exporter.auth.alibaba.signature import AlibabaSignatureAuth
from exporter.auth.settings import AlibabaAuthSettings
from exporter.errors import FetchError, Reason
from exporter.fields import ReadRows
from exporter.settings import Section, expecting, region_such_as, written_as
from exporter.source import Names, SourceSettings
from exporter.upstream.client import NOT_THE_API, decode_json
from exporter.upstream.connector import Connector
from exporter.upstream.large_json import RowReader
from exporter.upstream.refusals import Answer
from exporter.upstream.refusals.alibaba import read_refusal
from exporter.upstream.refusals.strangers import is_page, is_storage
from exporter.vendors.alibaba_credentials import credentials
from exporter.vendors.alibaba_xml import parse_xml

Region = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9]{1,20}(-[a-z0-9]{1,20}){1,5}$"),
    region_such_as("cn-shanghai", "id"),
]

# Regions without a foas of their own, by the SDKs' endpoint map.
_FOAS_CENTRAL = frozenset(
    {
        *("cn-hongkong", "cn-chengdu", "cn-huhehaote", "cn-wuhan", "cn-fujian", "cn-edge-1"),
        *("cn-beijing-finance-1", "cn-shenzhen-finance-1", "cn-beijing-gov-1"),
    }
)
_FOAS_TOKYO = frozenset(
    {
        *("ap-south-1", "ap-southeast-2", "ap-southeast-5", "eu-central-1", "eu-west-1"),
        *("us-east-1", "us-west-1", "me-east-1"),
    }
)
_PUBLIC = re.compile(r"https://[a-z0-9.-]+\.aliyuncs\.com(?=[:/]|$)")
_ERROR_CLASS = re.compile(
    r"(?<![\w.$])(?:[a-z][a-z0-9_]{0,40}\.){1,10}"
    r"[A-Z][A-Za-z0-9_]{0,60}(?:\$[A-Z][A-Za-z0-9_]{0,60})?(?:Exception|Error)(?![\w$])"
)
_SEARCHED = 16384


def foas_endpoint(region: str) -> str:
    """Return the public endpoint of foas that serves a region."""
    if region in _FOAS_CENTRAL:
        return "https://foas.aliyuncs.com"
    if region in _FOAS_TOKYO:
        return "https://foas.ap-northeast-1.aliyuncs.com"
    return f"https://foas.{region}.aliyuncs.com"


def ververica_endpoint(region: str) -> str:
    """Return the public endpoint of ververica in a region."""
    return f"https://ververica.{region}.aliyuncs.com"


def usable_in_path(text: str) -> bool:
    """Say whether a name can be a segment of a path: servers resolve dots to another resource."""
    return text not in ("", ".", "..")


def _places(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        raise PydanticCustomError("places", "expected at least one name")
    for name in names:
        if not usable_in_path(name):
            raise PydanticCustomError("places", "not a name: {name}", {"name": repr(name)})
    if len(set(names)) < len(names):
        raise PydanticCustomError("places", "a name is listed twice")
    return names


Places = Annotated[Names, AfterValidator(_places)]
"""The projects or namespaces of a source: at least one, each once."""


def _digits(value: Any) -> Any:
    # YAML reads an unquoted id as a number; people mean its digits.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


TenancyText = Annotated[
    str,
    BeforeValidator(_digits),
    StringConstraints(pattern=r"^[!-~]{1,128}$"),
    expecting("up to 128 printable ASCII characters without blanks"),
    written_as("text"),
]
"""An id that a header can carry as it is: no blanks, no control characters, ASCII only."""


class TenancySettings(Section):
    """Whose resources Apsara Stack is to show, as its console names them.

    Asked without, it answers an empty list with status 200. `region_id` is `region` unless given.
    """

    organization_id: TenancyText
    resource_group_id: TenancyText
    region_id: TenancyText | None = None


class AlibabaSettings(SourceSettings):
    """What both platforms are told: a region or an endpoint, and the access key."""

    region: Region | None = None
    tenancy: TenancySettings | None = None
    auth: AlibabaAuthSettings | None = None

    @model_validator(mode="after")
    def _tenancy_is_whole(self) -> Self:
        if self.tenancy is None:
            return self
        if self.endpoint is None:
            raise PydanticCustomError(
                "tenancy", "tenancy is for Apsara Stack, which needs an endpoint"
            )
        if self.tenancy.region_id is None and self.region is None:
            raise PydanticCustomError("tenancy", "tenancy.region_id or region is required")
        return self

    @model_validator(mode="after")
    def _sts_is_somewhere(self) -> Self:
        auth = self.auth
        if self.is_elsewhere and auth is not None and auth.assume_role and not auth.sts_endpoint:
            raise PydanticCustomError(
                "sts", "auth.sts_endpoint is required where endpoint is not a public one"
            )
        return self

    @property
    def is_elsewhere(self) -> bool:
        """Say whether the source is asked at another cloud than the public one."""
        return self.endpoint is not None and not _PUBLIC.match(self.endpoint)

    @property
    def tenancy_headers(self) -> Mapping[str, str]:
        """Return the headers that tell Apsara Stack whose resources to show, none without."""
        if self.tenancy is None:
            return {}
        return {
            "x-acs-organizationid": self.tenancy.organization_id,
            "x-acs-resourcegroupid": self.tenancy.resource_group_id,
            "x-acs-regionid": self.tenancy.region_id or self.region or "",
        }

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if self.region is None and self.endpoint is None:
            raise PydanticCustomError("region", "region or endpoint is required")
        return self


def split_ids(ids: Sequence[str], places: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Sort configured ids by project or namespace: `place/id`, or just `id` when there is one.

    Raises PydanticCustomError when an id does not say where it belongs.
    """
    found: dict[str, list[str]] = {place: [] for place in places}
    for text in ids:
        place, slash, name = text.partition("/")
        if not slash or place not in found:
            place, name = (places[0], text) if len(places) == 1 else ("", "")
        if not usable_in_path(name):
            expected = "id" if len(places) == 1 else "place/id, place being one of this source"
            raise PydanticCustomError(
                "ids", "jobs.ids: expected {expected}: {id}", {"expected": expected, "id": text}
            )
        if name not in found[place]:
            found[place].append(name)
    return {place: tuple(names) for place, names in found.items() if names}


class Product:
    """One product's API: asks for JSON, signs, and reads whatever comes back."""

    def __init__(
        self,
        settings: AlibabaSettings,
        connector: Connector,
        *,
        endpoint: str,
        version: str,
        headers: Mapping[str, str],
    ) -> None:
        provider, guard = credentials(settings.auth, connector, elsewhere=settings.is_elsewhere)
        self._api = connector.api(
            settings.endpoint or endpoint,
            read_refusal=read_refusal,
            auth=AlibabaSignatureAuth(provider, clock=connector.runtime.clock),
            guard=guard,
            # All of the vendor's own headers are signed.
            headers={"x-acs-version": version, **settings.tenancy_headers, **headers},
        )

    async def ask(
        self,
        action: str,
        path: Sequence[str],
        query: Mapping[str, str] | None = None,
        rows: RowReader | None = None,
    ) -> Mapping[str, Any]:
        """Call an operation under /api/v2 and return the object it answers; raises FetchError."""
        return await self.call(action, action, ("api", "v2", *path), query, rows)

    async def call(
        self,
        action: str,
        operation: str,
        path: Sequence[str],
        query: Mapping[str, str] | None = None,
        rows: RowReader | None = None,
    ) -> Mapping[str, Any]:
        """Call an operation wherever it is, counted as `operation`; raises FetchError."""
        pairs = tuple((query or {}).items())
        headers = {"x-acs-action": action}
        answer = await self._api.get(operation, path, pairs, headers, rows=rows)
        return read_object(operation, answer)


def read_object(operation: str, answer: Answer) -> Mapping[str, Any]:
    """Return the object an answer holds, be it JSON or XML.

    Raises FetchError with reason invalid_response when it is neither.
    """
    if is_page(answer) or is_storage(answer):
        what = "a web page" if is_page(answer) else "the answer of an object storage"
        raise invalid(operation, f"got {what}; {NOT_THE_API}")
    if answer.body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<":
        try:
            return parse_xml(answer.body)
        except ValueError as exc:
            raise invalid(operation, str(exc)) from exc
    document = decode_json(operation, answer, NOT_THE_API)
    if not isinstance(document, Mapping):
        raise invalid(operation, f"expected an object; {NOT_THE_API}")
    return document


def invalid(operation: str, detail: str) -> FetchError:
    """Build the error of an answer that is not what the vendor documents."""
    return FetchError(Reason.INVALID_RESPONSE, operation, detail=detail)


def read_list(document: Mapping[str, Any], outer: str, inner: str) -> list[object] | None:
    """Return the rows of a list in any shape foas has been seen to send; None without one.

    Its pages show `{"Instances": {"Instance": [...]}}`, its Java SDK flattens to `{"Instances":
    [...]}`, XML cannot tell a list of one from an object and an empty list from an empty text, and
    one page has all names in lower camel case.
    """
    value = upper_camel(document).get(outer)
    if value is None:
        return None
    if isinstance(value, Mapping):
        wrapped = upper_camel(value)
        # Without the inner name it is itself the one row; an empty object is an empty list.
        value = wrapped.get(inner) or [] if inner in wrapped else [value] if value else []
    if isinstance(value, ReadRows):
        return value
    rows = value if isinstance(value, list) else [value] if value != "" else []
    return [upper_camel(row) if isinstance(row, Mapping) else row for row in rows]


def list_paths(outer: str, inner: str) -> tuple[tuple[str, ...], ...]:
    """Return where the rows of a list can be in JSON: see `read_list`."""
    lower_outer, lower_inner = (name[:1].lower() + name[1:] for name in (outer, inner))
    return (
        *((outer,), (lower_outer,)),
        *((one, other) for one in (outer, lower_outer) for other in (inner, lower_inner)),
    )


def upper_camel(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields under names that begin with a capital, as foas documents them."""
    if not any(name[:1].islower() for name in fields):
        return fields
    return {name[:1].upper() + name[1:]: value for name, value in fields.items()}


def error_class(text: str) -> str:
    """Return the first Java exception class named in an error text, or an empty text.

    Only a qualified name that ends in Exception or Error counts, so that the label it becomes
    stays bounded and no free text gets into it.
    """
    match = _ERROR_CLASS.search(text[:_SEARCHED])
    return match[0] if match else ""
