"""Say what an operation is: what its requests look like, and how to make the exporter call it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qs

from exporter.errors import Reason
from exporter.simulator.clouds import OCEANUS_SPACE
from tests.faults.exchange import Asked
from tests.faults.sources import KEYS, PLATFORMS

_ALIAS = re.compile("_in_part|_standing_still|_ever_changing|_of_containers")
"""What the name of a host adds to that of the service that it is."""


class Part(StrEnum):
    """What an operation is part of, and so what is seen when it fails."""

    LISTING = "listing"
    """The poll fails: the source is down, its jobs stay as they were."""
    DETAILS = "details"
    """The source stays up: what is known of the job stays, the failure is counted."""
    MONITORING = "monitoring"
    """As for details; whatever goes wrong there is told by this reason, and by no other."""
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
    beside: float = 0.0
    """Seconds for which it may go on after its poll, where the next one tells how it ended."""
    also: tuple[str, ...] = field(default=())
    """Other hosts that the scenario needs."""
    method: str = "GET"
    target: str = ""
    """What X-Amz-Target ends in, or X-TC-Action is, where a header names the operation."""
    settings: str = ""
    """What the source has to be told for it to ask."""
    once: bool = False
    """Whether it is asked once and then kept, as logins are: the source is opened anew."""
    question: str = ""
    """What is asked of Flink, where that is asked through a proxy that has one path."""
    surroundings: str = ""
    """In which environment the exporter is, where that is what it logs in by."""

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
        named = asked.header("x-amz-target").rpartition(".")[2] or asked.header("x-tc-action")
        return self.target in ("", named)

    def source(self, addresses: Mapping[str, str]) -> str:
        """Return the settings of a source that calls this operation, whose hosts are there."""
        settings = [PLATFORMS[self.platform]]
        settings += [KEYS[self.login]] if self.login else []
        settings += [self.settings] if self.settings else []
        text = ", ".join(settings)
        if self.host == "cloudwatch":
            asked = "cloudwatch_endpoint: '<cloudwatch>', metrics_interval: 1s"
            text = text.replace("metrics_interval: 0", asked)
        if self.name == "DescribeWorkSpaces":
            text = text.replace(f"workspaces: [{OCEANUS_SPACE}], ", "")
        if "aws_sts" not in addresses:
            text = text.replace("sts_endpoint: '<aws_sts>', ", "")
        for host, address in addresses.items():
            text = text.replace(f"<{_ALIAS.sub('', host)}>", address)
        return text

    def __str__(self) -> str:
        name = self.name.replace("/", ".").replace(":", "").strip(".")
        return f"{self.platform}-{name}" + ("-by-id" if self.by_id else "")
