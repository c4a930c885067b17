"""The strengths of regularizers as settings of their own: `dropout=0.489` gives
`regularization.dropout` 0.489."""

import functools
from collections.abc import Collection, Mapping, Sequence

from research import grammar
from research.errors import UserError
from research.sweeps.records.record import Record

KEY = "regularization"


def settings(records: Sequence[Record], keys: Collection[str] = ()) -> list[Mapping[str, str]]:
    """The config of each record, with every strength that varies among them as a setting of its
    own.

    `regularization` then names such a member without its strength, so that rows can be grouped by
    it. keys: settings that are asked for by name; a strength among them is there whether it varies
    or not.
    """
    values: dict[str, set[str]] = {}
    for text in {record.config.get(KEY, "none") for record in records}:
        for path, value in strengths(text).items():
            values.setdefault(path, set()).add(value)
    varying = {path for path, of_path in values.items() if len(of_path) > 1 or path in keys}
    if not varying:
        return [record.config for record in records]  # not copied: there may be many
    return [_apart(record.config, varying) for record in records]


# Cached, since the runs of a sweep have few different texts.
@functools.lru_cache(maxsize=4096)
def strengths(text: str) -> Mapping[str, str]:
    """The strengths in a list of regularizers, by setting; none where the text cannot be read.

    `dropout=0.5,elastic_net(1,l2=2)` has `regularization.dropout` 0.5, `regularization.elastic_net`
    1 and `regularization.elastic_net.l2` 2.
    """
    return {path: value for _, given in _members(text) for path, value in given.items()}


def _members(text: str) -> list[tuple[str, dict[str, str]]]:
    """Each regularizer of a list with its strengths, by setting."""
    try:
        return (
            [_member(name, value) for name, value in grammar.items(text)] if text != "none" else []
        )
    except UserError:
        # Other code wrote this record; its text stays as it is.
        return []


def _member(name: str | None, text: str) -> tuple[str, dict[str, str]]:
    """`dropout=0.5`, `elastic_net(1,l2=2)` or `batch_norm`. The first strength is the member's,
    unless it is named."""
    if name is not None:
        return name, {f"{KEY}.{name}": text}
    call = grammar.value(text)
    if isinstance(call, str):
        return call, {}
    options = ["" if option is None else f".{option}" for option, _ in call.arguments]
    return call.name, {
        f"{KEY}.{call.name}{option}": str(value)
        for option, (_, value) in zip(options, call.arguments, strict=True)
    }


def _apart(config: Mapping[str, str], varying: set[str]) -> Mapping[str, str]:
    """The config with its varying strengths beside the text, which has no more of them."""
    text = config.get(KEY, "none")
    moved = {path: value for path, value in strengths(text).items() if path in varying}
    return {**config, KEY: _without(text, frozenset(moved)), **moved} if moved else config


@functools.lru_cache(maxsize=4096)
def _without(text: str, paths: frozenset[str]) -> str:
    """The list of regularizers without these strengths: `dropout,l2=0.1`."""
    shown = []
    for name, given in _members(text):
        left = {
            path.removeprefix(f"{KEY}.{name}").lstrip("."): v
            for path, v in given.items()
            if path not in paths
        }
        inside = ",".join(
            f"{option}={value}" if option else value for option, value in left.items()
        )
        shown.append(
            f"{name}={inside}"
            if len(given) == 1 and left
            else f"{name}({inside})"
            if left
            else name
        )
    return ",".join(shown)
