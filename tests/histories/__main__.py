"""Tell random histories for as long as wanted: `python -m tests.histories --count 10000`."""

import argparse
import sys
import time

from tests.histories.telling import tell_many

_AT_ONCE = 250


def main() -> int:
    """Tell them in portions, each drawn anew; end with 1 and a story when a rule is broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.histories", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="how many histories")
    parser.add_argument("--seed", type=int, default=1, help="the first one's; others follow")
    wanted = parser.parse_args()
    begun, done, number = time.monotonic(), 0, wanted.seed
    while done < wanted.count:
        portion = min(_AT_ONCE, wanted.count - done)
        story = tell_many(portion, first=number)
        if story is not None:
            sys.stdout.write(f"with --seed {number}:\n{story}\n")
            return 1
        done, number = done + portion, number + 1
        seconds = time.monotonic() - begun
        sys.stdout.write(f"{done} histories in {seconds:.0f} s, no rule broken\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
