"""Say what an operation is: what its requests look like, and how to make the exporter call it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qs

from exporter.errors import Reason
from tests.faults.exchange import Asked
from tests.faults.sources import KEYS, PLATFORMS


class Part(StrEnum):
    """What an operation is part of, and so what is seen when it fails."""

    LISTING = "listing"
    """The poll fails: the source is down, its jobs stay as they were."""
    DETAILS = "details"
    """The source stays up: what is known of the job stays, the failure is counted."""
    EXTRA = "extra"
    """Nothing but the extra is missing; counted only when it is refused for good."""
    LOGIN = "login"
    """As for the listing, which cannot be asked for without it."""
    METADATA = "metadata"
    """As for a login; whatever goes wrong there means that there are no credentials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation; with `by_id` the source asks for one job by its id instead of listing."""

    platform: str
    name: str
    """As the vendor and `streaming_exporter_api_requests_total` call it."""
    host: str
    path: str
    part: Part
    login: str = ""
    by_id: bool = False
    asked: int = 1
    """Requests of one poll, if each is sent once and fails for good."""
    asked_in_silence: int = 0
    """Requests to a service of the machine that never answers, if another way is tried then."""
    steps: int = 3
    """Requests of a question that is answered, at most."""
    also: tuple[str, ...] = field(default=())
    """Other hosts that the scenario needs."""
    method: str = "GET"
    target: str = ""
    """What the header X-Amz-Target ends in, where that names the operation."""
    question: str = ""
    """What is asked of Flink, where that is asked through a proxy that has one path."""
    in_a_pod: bool = False
    """Whether the exporter has the token of a pod, which is what it logs in with."""

    @property
    def vendor(self) -> str:
        """Return in whose words it is answered."""
        if self.platform == "flink_operator":
            return "apache" if self.host == "managers" else "kubernetes"
        return self.platform.partition("_")[0]

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return the hosts of the scenario."""
        return (self.host, *self.also, "bystander")

    def asked_in_spite_of(self, reason: Reason | None) -> int:
        """Return how many requests of one poll are sent: none after a listing has timed out."""
        stops = reason is Reason.TIMEOUT and self.part is Part.LISTING
        return 1 if stops else self.asked

    def matches(self, asked: Asked) -> bool:
        """Say whether a request is one of this operation."""
        if re.fullmatch(self.path, asked.path) is None:
            return False
        if self.question:
            given = parse_qs(asked.target.partition("?")[2]).get("flinkApiPath", [""])[0]
            return re.fullmatch(self.question, given.partition("?")[0]) is not None
        return not self.target or asked.header("x-amz-target").endswith(f".{self.target}")

    def source(self, addresses: Mapping[str, str]) -> str:
        """Return the settings of a source that calls this operation, whose hosts are there."""
        settings = [PLATFORMS[self.platform]]
        settings += [KEYS[self.login]] if self.login else []
        text = ", ".join(settings)
        if self.host == "cloudwatch":
            asked = "cloudwatch_endpoint: '<cloudwatch>', metrics_interval: 1s"
            text = text.replace("metrics_interval: 0", asked)
        if "aws_sts" not in addresses:
            text = text.replace("sts_endpoint: '<aws_sts>', ", "")
        for host, address in addresses.items():
            text = text.replace(f"<{host.removesuffix('_in_part')}>", address)
        return text

    def __str__(self) -> str:
        name = self.name.replace("/", ".").replace(":", "").strip(".")
        return f"{self.platform}-{name}" + ("-by-id" if self.by_id else "")
