"""Fixtures of the status page: a browser, a server, and a page without complaints."""

from collections.abc import Iterator

import pytest

from tests.browser.chromium import Chromium, Page, chromium
from tests.browser.site import Site, site


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with chromium(tmp_path_factory.mktemp("chromium")) as started:
        yield started


@pytest.fixture
def served() -> Iterator[Site]:
    with site() as started:
        yield started


@pytest.fixture
def page(browser: Chromium) -> Iterator[Page]:
    """A page that the browser must not find anything wrong with."""
    with browser.page() as opened:
        yield opened
        assert opened.complaints() == []
        assert opened.dialogs() == 0
