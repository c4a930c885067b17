"""A hook of mkdocs: reference pages, one per list of the catalogue, made when the site is built."""

from collections.abc import Iterator
from typing import Any

from mkdocs.structure.files import File, Files

import research.catalogue  # noqa: F401  (fills the registries)
from launch.cli.entry_lines import conditions
from research.config import FIELDS, HELP, OPTIONS, PARTS
from research.examples import example_of
from research.options import REQUIRED, format_value
from research.registry import (
    ACTIVATIONS,
    CALLBACKS,
    ESTIMATES,
    FEATURE_STEPS,
    LOSSES,
    METRICS,
    TASKS,
    Entry,
    Registry,
    Regularizer,
)

LISTS = [
    *PARTS.values(),
    FEATURE_STEPS,
    ACTIVATIONS,
    TASKS,
    LOSSES,
    METRICS,
    ESTIMATES,
    CALLBACKS,
]


def on_files(files: Files, config: Any) -> Files:
    """Adds the generated pages, and the entry `Reference` of the navigation."""
    pages = {"settings": settings()} | {registry.plural: page(registry) for registry in LISTS}
    for name, lines in pages.items():
        files.append(
            File.generated(config, f"reference/{name}.md", content="\n".join(lines) + "\n")
        )
    names = [f"reference/{name}.md" for name in pages]
    config.nav = [
        {"Reference": names} if entry == {"Reference": "reference/"} else entry
        for entry in config.nav
    ]
    return files


def settings() -> Iterator[str]:
    """A line per setting of a run."""
    yield (
        "# Settings of a run\n\nEach is a flag of `launch.train` and `launch.sweep`, and a keyword"
        " of `rs.train`.\n"
    )
    yield "| setting | default | what it is |\n| --- | --- | --- |"
    for name, field in FIELDS.items():
        default = field.default if name in OPTIONS else getattr(field.default, "name", "none")
        yield (
            f"| `{name}` | `{format_value(default) if default != () else 'none'}` |"
            f" {_cell(HELP[name])} |"
        )


def page(registry: Registry[Any]) -> Iterator[str]:
    """A heading per entry, with its source, its options and what it requires."""
    yield f"# {registry.plural.capitalize()}\n"
    if not [*registry, *registry.examples()]:
        yield f"There are none built in; a plugin adds some by `@{registry.kind}`."
    for entry in (*registry, *registry.examples()):
        yield from _entry(entry)


def _entry(entry: Entry) -> Iterator[str]:
    slot = f" (slot: {entry.slot})" if isinstance(entry, Regularizer) else ""
    yield f"## {entry.name}\n\n{entry.summary}{slot}\n"
    if entry.paper:
        yield f"Source: {entry.paper}.\n"
    if entry.options:
        yield "| option | default | what it is |\n| --- | --- | --- |"
        for option in entry.options:
            default = (
                "required" if option.default is REQUIRED else f"`{format_value(option.default)}`"
            )
            allowed = (
                f"one of {', '.join(option.choices)}" if option.choices else str(option.range or "")
            )
            described = "; ".join(filter(None, (option.help, allowed)))
            yield f"| `{option.name}` | {default} | {_cell(described)} |"
        yield ""
    for condition in conditions(entry):
        yield f"- Requires: {condition}\n"
    if example := example_of(entry):
        yield f"With the names of `{example.module}`:\n"
        yield f"```python\n{example.text}\n```\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
