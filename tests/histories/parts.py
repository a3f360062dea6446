"""The parts of the exporter that a history is told to: the real ones, or some with a bug."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from exporter.app import App
from exporter.vendors.alibaba_listing import Listings, read_pages
from exporter.vendors.aws.control_plane import ControlPlane
from exporter.vendors.huawei_inventory import Listing, take_inventory
from exporter.vendors.tencent.listing import Listings as ShortPages


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What is put together for one history."""

    app: type[App] = App
    rows: type[Listing] = Listing
    take_inventory: Callable[..., Awaitable[Any]] = take_inventory
    listings: type[Listings] = Listings
    read_pages: Callable[..., Awaitable[list[Any]]] = read_pages
    short_pages: type[ShortPages] = ShortPages
    control_plane: type[ControlPlane] = ControlPlane


REAL = Parts()
