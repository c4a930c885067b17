"""Examples: the section `Example:` of a builder's docstring, ready to print or to run."""

import dataclasses
import functools
import inspect
import sys
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research.registry import Entry, Environment, Estimate, Loss, Metric, Task

HEADING = "Example:"


@dataclasses.dataclass(frozen=True)
class Example:
    """text: doctest lines. module: the name of the module whose names they use."""

    text: str
    module: str

    @property
    def names(self) -> Mapping[str, Any]:
        """The names that the lines can use: their module's, and jax, jnp and np."""
        return {"jax": jax, "jnp": jnp, "np": np, **vars(sys.modules[self.module])}


def example_of(entry: Entry) -> Example | None:
    """The example of an entry; None without one."""
    for source in _sources(entry):
        _, heading, rest = (inspect.getdoc(source) or "").partition(f"\n{HEADING}\n")
        if heading:
            return Example(_indented_block(rest), source.__module__)
    return None


def _indented_block(text: str) -> str:
    """The lines up to the first one that is not indented, dedented."""
    lines = text.splitlines()
    end = next(
        (index for index, line in enumerate(lines) if line and not line.startswith(" ")),
        len(lines),
    )
    return textwrap.dedent("\n".join(lines[:end])).strip("\n")


def _sources(entry: Entry) -> Iterator[Any]:
    """The functions and classes that may document an entry, the builder first."""
    build = entry.build
    # A partial's own docstring is that of functools.
    while isinstance(build, functools.partial):
        yield from filter(callable, build.args)
        build = build.func
    yield build
    if isinstance(entry, Environment):
        yield entry.world
    # A loss, a metric, a task or an estimate is built without options; what counts is the result.
    if isinstance(entry, Estimate | Loss | Metric | Task):
        built = entry.build()
        yield from (built.summary, built.example_metrics) if isinstance(entry, Task) else (built,)
