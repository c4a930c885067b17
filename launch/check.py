"""Tries parts of your own with the tests that every part must pass.

Examples:
  python -m launch.check --plugin=my_net.py
  python -m launch.check --plugin=my_net.py my_net
"""

import functools
import sys
from collections.abc import Iterator, Sequence

import research.catalogue  # noqa: F401  (fills the registries)
from launch import start
from research.errors import UserError, nearest
from research.registry import ARCHITECTURES, Entry, Registry
from research.sweeps import battery


def main(arguments: Sequence[str]) -> None:
    failed = 0
    for registry, entry in _entries(arguments):
        print(f"{registry.kind} {entry.name}", flush=True)
        subject = functools.cache(functools.partial(battery.part, registry.kind, entry))
        for name, check in battery.CHECKS.items():
            try:
                check(subject())
            except Exception as error:  # one that breaks down is one that fails, and the others are still of interest
                failed += 1
                line = next(iter(str(error).strip().splitlines()), "")
                kind = "" if line and isinstance(error, AssertionError | UserError) else type(error).__name__
                print(f"  failed  {name}: {': '.join(filter(None, (kind, line)))}", flush=True)
            else:
                print(f"  passed  {name}", flush=True)
    if failed:
        print(f"{failed} checks failed", file=sys.stderr)
        sys.exit(1)


def _entries(arguments: Sequence[str]) -> Iterator[tuple[Registry, Entry]]:
    """What the plugins have added, and the architectures that are named."""
    if not (start.ADDED or arguments):
        raise UserError(f"say what to check: --plugin=FILE, or architectures; {nearest('', ARCHITECTURES.names())}")
    yield from start.ADDED
    for name in arguments:
        yield ARCHITECTURES, ARCHITECTURES.get(name)


if __name__ == "__main__":
    start.run(main, saves=False)
