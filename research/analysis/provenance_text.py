"""Where records come from: the distinct commits, versions, devices and ways of running behind
them."""

from collections.abc import Iterable

from research.sweeps.records.record import Record


def distinct(records: Iterable[Record], key: str) -> list[str]:
    """The different values of one key of the provenance, in the order of first appearance."""
    values = (record.provenance.get(key) for record in records)
    return list(dict.fromkeys(str(value) for value in values if value not in (None, "")))


def versions(records: Iterable[Record]) -> str:
    """`jax 0.10.2, flax 0.12.8`; a package that was not the same everywhere has all its
    versions."""
    by_package: dict[str, dict[str, None]] = {}
    for record in records:
        installed = record.provenance.get("versions", {})
        for package, version in (
            installed.items() if isinstance(installed, dict) else [("", installed)]
        ):
            # A dict keeps the order of first appearance; a set would shuffle the versions.
            by_package.setdefault(package, {})[str(version)] = None
    return ", ".join(
        f"{package} {' and '.join(versions)}".strip() for package, versions in by_package.items()
    )


def sentence(records: Iterable[Record]) -> str:
    """One sentence for a paper's footer; what no record says is left out."""
    records = list(records)
    installed = versions(records)
    phrases = [f"with {installed}" if installed else ""]
    for words, key in (("on", "device"), ("at commit", "commit")):
        values = distinct(records, key)
        phrases.append(f"{words} {' and '.join(values)}" if values else "")
    known = [phrase for phrase in phrases if phrase]
    return f"Run {', '.join(known)}." if known else "The records do not say where they were made."
