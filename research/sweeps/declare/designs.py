"""Designs: which combinations of an experiment's factors are trained, and what they estimate."""

import dataclasses
import inspect
from collections.abc import Callable
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from research.components import entry_and_options
from research.errors import UserError
from research.options import WholeRange, options_of
from research.registry import Entry, Registry
from research.statistics import factorial
from research.statistics.factorial import Floats, Switches, Term
from research.words import first_sentence

# A full design has 2^k rows per seed; more than these are refused, since a fraction would do.
MOST_ROWS = 1024
SHAPLEY = "Shapley value"


@dataclasses.dataclass(frozen=True)
class Effect:
    """One line of a table of effects.

    factors: its factors by index; one for an effect or a Shapley value, two for an interaction.
    kind: what it is. aliases: terms that the design cannot distinguish from it, with their sign.
    """

    factors: Term
    kind: str
    aliases: tuple[tuple[int, Term], ...] = ()


@dataclasses.dataclass(frozen=True)
class Design:
    """on: bool [A, K], the factors of each arm. effects: what is estimated, E of them. contrasts:
    [S, E, A], the weights of the arms in each effect, per seed, or [1, E, A] for all seeds."""

    on: Switches
    effects: tuple[Effect, ...]
    contrasts: Floats

    @property
    def combines(self) -> bool:
        """Whether many arms differ from others in several factors at once."""
        return len(self.on) > 2 * self.on.shape[1]

    def asked(self, seed: int) -> NDArray[np.bool_]:
        """Which arms [A] are trained on the seed of this index."""
        if len(self.contrasts) == 1:
            return np.ones(len(self.on), bool)
        return (self.contrasts[seed] != 0).any(0) | ~self.on.any(1) | self.on.all(1)


DESIGNS: Registry[Entry] = Registry("design", "designs")


def design(text: str, factors: int, seeds: int) -> Design:
    """The design that `full` or `fractional(resolution=4)` names.

    Args:
        text: the design and its options.
        factors: number of factors.
        seeds: number of seeds.

    Raises:
        UserError: an unknown design or option, or one that does not fit the number of factors.
    """
    name, given = entry_and_options(DESIGNS, text)
    entry = DESIGNS.get(name)
    options = {
        option.name: option.parse(given[option.name], f"design={name}: {option.name}")
        if option.name in given
        else option.default
        for option in entry.options
    }
    return entry.build(count=factors, seeds=seeds, **options)


def one_at_a_time(*, count: int, seeds: int) -> Design:
    """Nothing, and each factor alone: what each adds to nothing."""
    return _against_first(factorial.leave_one_in(count), "alone", 1)


def leave_one_in(*, count: int, seeds: int) -> Design:
    """Nothing, each factor alone, and all of them: how much of the whole each gives alone."""
    on = np.vstack([factorial.leave_one_in(count), np.ones((1, count), bool)])
    return _against_first(on, "alone", 1)


def leave_one_out(*, count: int, seeds: int) -> Design:
    """Everything, and everything but each factor: what each adds to the others."""
    return _against_first(factorial.leave_one_out(count), "beside the others", -1)


def ladder(*, count: int, seeds: int) -> Design:
    """Nothing, then one more factor at a time, in order: what each adds to those before it."""
    on = factorial.ladder(count)
    contrasts = np.eye(count, count + 1, 1) - np.eye(count, count + 1)
    effects = tuple(Effect((index,), "beside those before") for index in range(count))
    return Design(on, effects, contrasts[None])


def full(*, count: int, seeds: int) -> Design:
    """All combinations: main effects, interactions of two, and Shapley values."""
    on = factorial.full(_few(count))
    modelled = _modelled(on)
    shapley = tuple(Effect((index,), SHAPLEY) for index in range(count))
    contrasts = np.concatenate([modelled.contrasts[0], factorial.shapley(on)])
    return Design(on, modelled.effects + shapley, contrasts[None])


def fractional(
    *,
    count: int,
    seeds: int,
    resolution: Annotated[
        int, WholeRange(3, 7), "4: no main effect is confounded with an interaction of two"
    ] = 4,
) -> Design:
    """The smallest regular fraction of all combinations: main effects and interactions of two."""
    return _modelled(factorial.fraction(count, resolution))


def shapley(
    *,
    count: int,
    seeds: int,
    orders: Annotated[
        int,
        WholeRange(0),
        "random orders per seed in which factors are added, even; 0: all",
    ] = 0,
) -> Design:
    """Shapley values: from all combinations, or from some random orders per seed."""
    effects = tuple(Effect((index,), SHAPLEY) for index in range(count))
    if not orders:
        on = factorial.full(_few(count))
        return Design(on, effects, factorial.shapley(on)[None])
    if orders % 2:
        raise UserError(
            f"design=shapley(orders={orders}): give an even number, since each order is drawn"
            " with its reverse"
        )
    # Orders of its own for each seed: the spread over seeds then includes that of the orders.
    drawn = [factorial.draw_orders(count, orders, seed) for seed in range(seeds)]
    rows = {(False,) * count, (True,) * count}
    for order in (order for of_seed in drawn for order in of_seed):
        rows |= {tuple(k in order[:size] for k in range(count)) for size in range(1, count)}
    on = np.array(sorted(rows), bool)
    contrasts = [factorial.shapley_of_orders(on, of_seed) for of_seed in drawn]
    return Design(on, effects, np.stack(contrasts))


def _against_first(on: Switches, kind: str, sign: int) -> Design:
    """Each factor's arm against the first arm."""
    count = on.shape[1]
    contrasts = np.zeros((count, len(on)))
    contrasts[:, 0] = -sign
    contrasts[np.arange(count), np.arange(1, count + 1)] = sign
    effects = tuple(Effect((index,), kind) for index in range(count))
    return Design(on, effects, contrasts[None])


def _modelled(on: Switches) -> Design:
    model = factorial.effects(on)
    kinds = {1: "main effect", 2: "interaction"}
    effects = tuple(
        Effect(term, kinds[len(term)], aliases)
        for term, aliases in zip(model.terms, model.aliases, strict=True)
    )
    return Design(on, effects, model.contrasts[None])


def _few(count: int) -> int:
    if 2**count > MOST_ROWS:
        raise UserError(
            f"all combinations of {count} factors are {2**count:,} rows; use"
            " design='fractional(resolution=4)' or design='shapley(orders=4)'"
        )
    return count


def _register(build: Callable[..., Design], paper: str = "") -> None:
    summary = first_sentence(inspect.getdoc(build) or "").rstrip(".")
    options = options_of(build, given=("count", "seeds"))
    DESIGNS.add(Entry(build.__name__, build, summary, paper, options=options))


_register(one_at_a_time)
_register(leave_one_in)
_register(leave_one_out)
_register(ladder)
_register(full, "Box, Hunter & Hunter 2005")
_register(fractional, "Box, Hunter & Hunter 2005")
_register(shapley, "Castro et al. 2009")
