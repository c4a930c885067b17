"""The decorator of host estimators."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from research.errors import UserError
from research.plugin.declaration import (
    Builder,
    accepts_old_keywords,
    check_test_options,
    decorator,
    options_in,
    summary,
    takes_by_default,
)
from research.registry import ARCHITECTURES, HostEstimator

# What the engine gives an estimator; its other parameters are options.
FITTED_TO = ("train", "validation", "seed", "outputs")


@accepts_old_keywords
def estimator(
    function: Callable[..., Any] | None = None,
    /,
    *,
    tasks: tuple[str, ...] = ("classification", "regression"),
    test_options: Mapping[str, Any] | None = None,
    paper: str = "",
    takes: tuple[str, ...] | Mapping[str, str] = (),
    needs_facts: tuple[str, ...] = (),
    constraints: Sequence[Callable[..., str | None]] = (),
) -> Any:
    """Registers a function that fits on the host as an architecture.

    `nearest_mean(train, validation, seed, outputs, **options)` becomes `--arch=nearest_mean`. It
    returns `predict(x) -> scores`; see research/baselines/estimator.py. Its other parameters, but
    for the facts, become flags.

    Args:
        function: the decorated function, where there are no parentheses.
        tasks: the tasks that it is for.
        test_options: the small setting that tests use; required for options without a default.
        paper: the source.
        takes: as in @architecture.
        needs_facts: facts of the data that it takes as parameters; see registry.HostEstimator.
        constraints: functions of (config, spec) that return what is wrong, or None.
    """

    def add(build: Builder) -> Builder:
        missing = [name for name in FITTED_TO if name not in inspect.signature(build).parameters]
        if missing:
            raise UserError(
                f"{build.__name__} lacks the parameter {missing[0]}; write def"
                f" {build.__name__}({', '.join(FITTED_TO)})"
            )
        options = options_in(build, given=(*FITTED_TO, *needs_facts))
        check_test_options("estimator", test_options, options)
        ARCHITECTURES.add(
            HostEstimator(
                build.__name__,
                build,
                summary(build),
                paper,
                options=options,
                constraints=tuple(constraints),
                test_options=test_options or {},
                takes=takes or takes_by_default(needs_facts),
                needs_facts=needs_facts,
                tasks=tasks,
            )
        )
        return build

    return decorator(add, function)
