"""The status page in a real browser: searching, filtering and sorting."""

from tests.browser.chromium import Page
from tests.browser.site import Site
from tests.e2e.status_page.fleet import SCRIPT, fleet
from tests.e2e.status_page.page_elements import NAMES, REFRESH, ROWS


def test_search_shows_what_matches_while_typing_and_stays_in_the_address(
    page: Page, served: Site
) -> None:
    served.publish(*fleet())
    page.open(served.address)
    page.click("#q")
    page.type("enrich")
    page.until(f"document.querySelectorAll('{ROWS}').length === 2")
    assert page.texts(NAMES) == ["orders_enrichment", "orders_enrichment"]
    assert page.run("location.search") == "?q=enrich"
    assert page.run("document.activeElement.id") == "q"
    assert page.run("document.getElementById('q').value") == "enrich"
    page.until("document.getElementById('announcer').textContent.includes('2 of 17 jobs')")


def test_words_that_arrive_while_an_answer_is_on_its_way_are_not_lost(
    page: Page, served: Site
) -> None:
    served.publish(*fleet())
    page.open(served.address)
    page.click("#q")
    page.type("orders")
    page.until("location.search === '?q=orders'")
    page.type("_enrichment vvp")
    page.until(f"document.querySelectorAll('{ROWS}').length === 1")
    assert page.run("document.getElementById('q').value") == "orders_enrichment vvp"


def test_chip_filters_by_state_and_the_way_back_works(page: Page, served: Site) -> None:
    served.publish(*fleet())
    page.open(served.address)
    page.run("window.stayed = true")
    page.click(".chip.state-failed")
    page.until(f"document.querySelectorAll('{ROWS}').length === 2")
    assert page.run("location.search") == "?state=failed"
    assert page.texts(".chip[aria-current]") == ["failed 2"]
    page.click(".chip.state-restarting")
    page.until(f"document.querySelectorAll('{ROWS}').length === 4")
    page.run("history.back()")
    page.until(f"document.querySelectorAll('{ROWS}').length === 2")
    page.click(".found a")
    page.until(f"document.querySelectorAll('{ROWS}').length === 17")
    assert page.run("window.stayed") is True


def test_choice_of_a_source_filters_and_survives_the_refresh(page: Page, served: Site) -> None:
    served.publish(*fleet())
    page.open(served.address)
    page.run(
        """(() => { const choice = document.getElementById("source"); choice.value = "vvp";
        choice.dispatchEvent(new Event("input", {bubbles: true})); })()"""
    )
    page.until(f"document.querySelectorAll('{ROWS}').length === 2")
    page.run(REFRESH)
    page.until("location.search === '?source=vvp'")
    assert page.run("document.getElementById('source').value") == "vvp"


def test_address_alone_gives_the_filtered_and_sorted_view(page: Page, served: Site) -> None:
    served.publish(*fleet())
    page.open(
        f"{served.address}/?q=o&source=dli&state=failed&state=running&sort=restarts&order=asc"
    )
    assert page.texts(NAMES) == ["orders_enrichment", "payments_dedup"] + [
        name for name in page.texts(NAMES) if name.startswith("created")
    ]
    assert page.texts("[aria-sort]") == ["Restarts ↑"]
    assert page.run("document.getElementById('q').value") == "o"
    assert page.run("document.getElementById('source').value") == "dli"


def test_column_sorts_in_place_keeps_the_focus_and_turns_round(page: Page, served: Site) -> None:
    served.publish(*fleet())
    page.open(served.address)
    head = ".job-table thead th[data-key=restarts]"
    page.click(f"{head} a")
    page.until(f"document.querySelector('{head}').getAttribute('aria-sort') === 'descending'")
    assert page.texts(NAMES)[:3] == [SCRIPT, "payments_dedup", "orders_enrichment"]
    assert page.run(f"document.activeElement === document.querySelector('{head} a')")
    page.press("Enter")
    page.until(f"document.querySelector('{head}').getAttribute('aria-sort') === 'ascending'")
    assert page.texts(NAMES)[2] == "payments_dedup"
