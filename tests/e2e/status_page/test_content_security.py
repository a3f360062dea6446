"""The status page in a real browser: nothing from outside is run or loaded."""

from tests.browser.chromium import Chromium, Page
from tests.browser.site import Site
from tests.e2e.status_page.fleet import SCRIPT, fleet
from tests.e2e.status_page.page_elements import NAMES, REFRESH


def test_nothing_is_asked_of_any_other_server(page: Page, served: Site) -> None:
    served.publish(*fleet())
    page.open(served.address)
    page.until("document.getElementById('live-state').textContent === 'Live'")
    assert all(address.startswith(served.address) for address in page.requested())


def test_job_named_like_a_script_does_nothing(page: Page, served: Site) -> None:
    served.publish(*fleet())
    page.open(f"{served.address}/?q=%3Cscript%3Ealert(1)%3C/script%3E")
    assert page.texts(NAMES) == [SCRIPT]
    assert page.run("document.scripts.length") == 1
    page.run(REFRESH)
    page.until("document.getElementById('live-state').textContent === 'Live'")
    page.click(NAMES)
    page.until("document.querySelector('#error pre') !== null")
    assert page.run("document.scripts.length") == 1
    assert page.dialogs() == 0


def test_policy_stops_a_script_even_if_one_got_into_the_page(
    browser: Chromium, served: Site
) -> None:
    served.publish(*fleet())
    with browser.page() as page:
        page.open(served.address)
        page.run(
            """(() => { const script = document.createElement("script");
            script.textContent = "window.ran = true"; document.body.append(script); })()"""
        )
        assert page.run("window.ran === undefined")
        assert any("Content Security Policy" in text for text in page.complaints())
