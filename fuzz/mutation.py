"""Make new documents of known ones: turned bytes alone seldom get past the JSON parser."""

import json
from random import Random

from fuzz.changes import HOSTILE, Change, How, apply, write

_MOST_CHANGES = 3


def mutate(data: bytes, random: Random, largest: int) -> bytes | None:
    """Return the document that `data` holds, changed; None when it holds none or grows too large.

    Some changes take a value from elsewhere in the document, so that fields get what only their
    neighbours should have.
    """
    try:
        document = json.loads(data)
        changes = [_change(document, random) for _ in range(random.randint(1, _MOST_CHANGES))]
        changed = write(apply(document, changes))
    except (ValueError, RecursionError):
        return None
    return changed if len(changed) <= largest else None


def _change(document: object, random: Random) -> Change:
    value = random.choice(HOSTILE)
    if isinstance(document, dict | list) and document and random.random() < 0.2:
        value = random.choice([*document.values()] if isinstance(document, dict) else document)
    return Change(random.randrange(1 << 30), random.choice(list(How)), value)
