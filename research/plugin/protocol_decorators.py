"""The decorators of how runs are evaluated: splitters, estimates of their folds, and ensembles."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from research.data.splitters import index_sets
from research.errors import UserError
from research.plugin.declaration import (
    Builder,
    check_test_options,
    decorator,
    options_in,
    summary,
)
from research.registry import ENSEMBLES, ESTIMATES, SPLITTERS, Ensemble, Estimate


def splitter(
    function: Callable[..., Any] | None = None,
    /,
    *,
    test_options: Mapping[str, Any] | None = None,
    paper: str = "",
) -> Any:
    """Registers `f(rows, labels, groups, seed, **options) -> [(train, validation, test)]`, the row
    numbers
    of each fold, as a splitter for `--split=NAME`.

    `rows` is their number; `labels` are int [rows], zeros where targets are numbers; `groups` is
    None.
    The sizes of the parts must depend only on the number of rows and the options. Other parameters
    become flags (`--split.folds=3`).

    Args:
        function: what is decorated.
        test_options: values of options without default, for tests.
        paper: where the protocol was published.
    """

    def add(build: Builder) -> Builder:
        name = build.__name__
        given = index_sets.GIVEN
        if missing := [word for word in given if word not in inspect.signature(build).parameters]:
            raise UserError(
                f"{name} lacks {' and '.join(missing)}; write"
                f" def {name}(rows, labels, groups, seed, ...)"
            )
        check_test_options("splitter", test_options, options_in(build, given))
        summary(build)
        SPLITTERS.add(index_sets.splitter(build, paper, test_options=test_options or {}))
        return build

    return decorator(add, function)


def estimate(
    function: Callable[..., Any] | None = None, /, *, says: str = "", paper: str = ""
) -> Any:
    """Registers `f(runs) -> metrics` as an estimate for `--estimate=NAME`.

    Args:
        function: what is decorated, where there are no parentheses.
        says: what a value is, for captions, such as "median of {runs} folds".
        paper: where it is from.

    runs has the metrics of each run of one seed, by name, in the order of the folds.
    """

    def add(build: Builder) -> Builder:
        name = build.__name__
        if len(inspect.signature(build).parameters) != 1:
            raise UserError(f"{name} takes one argument; write def {name}(runs)")
        words = says or f"{name.replace('_', ' ')} of {{runs}} runs"
        ESTIMATES.add(Estimate(name, lambda: build, summary(build), paper, says=words))
        return build

    return decorator(add, function)


def ensemble(
    function: Callable[..., Any] | None = None,
    /,
    *,
    combine: Callable[..., Any] | None = None,
    follow: Callable[..., Any] | None = None,
    test_options: Mapping[str, Any] | None = None,
    paper: str = "",
) -> Any:
    """Registers `f(config, **options) -> configs`, the members of an ensemble, for
    `--ensemble=NAME`.

    `config` is that of one run (research.config.RunConfig); `dataclasses.replace` and
    research.sweeps.ensembles.member_seeds change it. Other parameters become flags
    (`--ensemble.members=3`).

    Args:
        function: what is decorated, where there are no parentheses.
        combine: `combine(predicted, classes, **options)`, what the members predict together, as
            research/sweeps/ensembles/combination.py has it; None: their mean.
        follow: `follow(config, earlier)`, the config of a member that depends on those before it,
            by their ids; None: members do not depend on each other.
        test_options: values of options without default, for tests.
        paper: where the method was published.
    """

    def add(build: Builder) -> Builder:
        name = build.__name__
        if next(iter(inspect.signature(build).parameters), "") != "config":
            raise UserError(f"{name} takes a config; write def {name}(config, ...)")
        check_test_options("ensemble", test_options, options_in(build, given=("config",)))
        ENSEMBLES.add(
            Ensemble(
                name,
                build,
                summary(build),
                paper,
                test_options=test_options or {},
                combine=combine,
                follow=follow,
            )
        )
        return build

    return decorator(add, function)
