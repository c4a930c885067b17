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
    yield from _functions(entry.build)
    if isinstance(entry, Environment):
        yield entry.world
    # A loss, a metric, a task or an estimate is built without options; what counts is the result.
    if isinstance(entry, Estimate | Loss | Metric | Task):
        built = entry.build()
        if isinstance(entry, Task):
            yield from (built.summary, built.example_metrics)
        else:
            yield from _functions(built)


def _functions(function: Any) -> Iterator[Any]:
    """The function; of a partial, whose docstring is that of functools, the functions in it, those
    that it is given first."""
    if not isinstance(function, functools.partial):
        yield function
        return
    for given in filter(callable, function.args):
        yield from _functions(given)
    yield from _functions(function.func)
