"""Write docs/faults.md anew, in both languages."""

from tests.faults.document import PAGES, page

for each in PAGES:
    each.write_text(page(each), encoding="utf-8")
