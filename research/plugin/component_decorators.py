"""The decorators of parts that are built with options: networks, objectives, optimizers,
regularizers, tasks."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import flax.linen as nn
import optax

from research import contract
from research.data.spec import DataSpec
from research.errors import UserError
from research.plugin.declaration import (
    Builder,
    accepts_old_keywords,
    answers_by_default,
    check_names,
    check_test_options,
    decorator,
    options_in,
    returning,
    snake,
    summary,
    takes_by_default,
)
from research.registry import (
    ARCHITECTURES,
    OBJECTIVES,
    OPTIMIZERS,
    TASKS,
    Architecture,
    Objective,
    Optimizer,
    Task,
)
from research.regularization.member import member


@accepts_old_keywords
def architecture(
    function: Callable[..., Any] | None = None,
    /,
    *,
    test_options: Mapping[str, Any] | None = None,
    test_settings: Mapping[str, Any] | None = None,
    paper: str = "",
    takes: tuple[str, ...] | Mapping[str, str] = (),
    answers: tuple[str, ...] = (),
    loss: str = "auto",
    normalization: str = "",
    needs_facts: tuple[str, ...] = (),
    constraints: Sequence[Callable[..., str | None]] = (),
) -> Any:
    """Registers a flax module as an architecture.

    MyNet becomes `--arch=my_net`. Its fields, but for `outputs` and the facts, become flags, and
    the first sentence of its docstring becomes the line of help.

    Args:
        function: the decorated class, where there are no parentheses.
        test_options: the small setting that tests use; required for options without a default.
        test_settings: what tests set beside them, such as the objective that it is for.
        paper: the source.
        takes: the kinds of features that it takes, such as ("image",), or where it takes several
            inputs, the kind of each by name; (): numbers of any shape.
        answers: what it has outputs for: example, step, pixel; (): an example, and with the fact
            `per_step` each step, or each pixel of images.
        loss: its training loss unless `--loss` names another.
        normalization: the regularizer that normalizes its hidden layers by default.
        needs_facts: facts of the data that it takes as fields; see registry.Architecture.
        constraints: functions of (config, spec) that return what is wrong, or None.
    """

    def add(build: Builder) -> Builder:
        _check_call(build)
        if "outputs" not in inspect.signature(build).parameters:
            raise UserError(
                f"{build.__name__} lacks the field `outputs: int`, the width of what it returns"
            )
        options = options_in(build, given=("outputs", *needs_facts))
        check_test_options("architecture", test_options, options)
        ARCHITECTURES.add(
            Architecture(
                snake(build.__name__),
                build,
                summary(build),
                paper,
                options=options,
                constraints=tuple(constraints),
                test_options=test_options or {},
                test_settings=test_settings or {},
                takes=takes or takes_by_default(needs_facts),
                answers=answers or answers_by_default(takes, needs_facts),
                loss=loss,
                normalization=normalization,
                needs_facts=needs_facts,
            )
        )
        return build

    # `@architecture` and `@architecture(...)` both work.
    return decorator(add, function)


def objective(
    function: Callable[..., Any] | None = None,
    /,
    *,
    test_options: Mapping[str, Any] | None = None,
    test_settings: Mapping[str, Any] | None = None,
    paper: str = "",
    constraints: Sequence[Callable[..., str | None]] = (),
) -> Any:
    """Registers a function that returns a Game as an objective.

    `def my_game(...)` becomes `--objective=my_game`; its parameters become flags. The players of a
    Game with several are flags too: `--learning_rate.critic=0.001`.

    Args:
        function: the decorated function, where there are no parentheses.
        test_options: the small setting that tests use; required for options without a default.
        test_settings: what tests set beside them, such as the network that it is for.
        paper: the source.
        constraints: functions of (config, spec) that return what is wrong, or None.
    """

    def add(build: Builder) -> Builder:
        options = options_in(build)
        check_test_options("objective", test_options, options)
        OBJECTIVES.add(
            Objective(
                snake(build.__name__),
                returning(build, contract.game),
                summary(build),
                paper,
                options=options,
                constraints=tuple(constraints),
                test_options=test_options or {},
                test_settings=test_settings or {},
            )
        )
        return build

    return decorator(add, function)


def _check_call(build: Callable[..., Any]) -> None:
    """Raises UserError if a class is no flax module that is called with inputs and `fwd`; functions
    may return one."""
    if not inspect.isclass(build):
        return
    name = build.__name__
    right = "def __call__(self, x, fwd)"
    if not issubclass(build, nn.Module):
        raise UserError(
            f"{name} is not a flax module; write class {name}(flax.linen.Module) with {right}"
        )
    if not any("__call__" in vars(base) for base in build.__mro__):
        raise UserError(
            f"{name} lacks its __call__, which turns inputs into outputs; write {right}"
        )
    signature = inspect.signature(build.__call__)
    try:
        # A trial binding: constructing the module would need its options.
        signature.bind("self", "x", "fwd")
    except TypeError:
        raise UserError(
            f"{name}.__call__{signature} is called with x and fwd, by which layers know training"
            f" from evaluation; write {right}"
        ) from None


@accepts_old_keywords
def optimizer(
    function: Callable[..., Any] | None = None,
    /,
    *,
    test_options: Mapping[str, Any] | None = None,
    paper: str = "",
) -> Any:
    """Registers a function as an optimizer: it returns an optax transformation without rate or
    sign.

    Its parameters become flags. Those that are floats may be tracers and may differ from lane to
    lane.

    Args:
        function: what is decorated.
        test_options: values of options without default, for tests.
        paper: where the method was published.
    """

    def add(build: Builder) -> Builder:
        name = build.__name__
        options = options_in(build)
        check_test_options("optimizer", test_options, options)
        built = returning(build, contract.of_kind, kind=optax.GradientTransformation)
        OPTIMIZERS.add(
            Optimizer(
                name, built, summary(build), paper, options=options, test_options=test_options or {}
            )
        )
        return build

    return decorator(add, function)


@accepts_old_keywords
def regularizer(
    slot: str = "",
    site: str = "",
    *,
    neutral: Mapping[str, Any] | None = None,
    paper: str = "",
    **known: Any,
) -> Callable[[Builder], Builder]:
    """Registers a function that returns the transformation of a slot and site; see
    research/regularization.

    Args:
        slot: the slot, such as loss.
        site: the site, such as kernels.
        neutral: the options at which it does nothing; None: there are none.
        paper: where the method was published.
        **known: the other arguments of research.regularization.member.member.
    """
    if callable(slot) or not site:
        raise UserError(
            "@regularizer lacks its slot and site; write @regularizer('loss', 'kernels',"
            " neutral={...})"
        )
    add = member(slot, site, paper=paper, neutral=neutral, **known)

    def checked(build: Builder) -> Builder:
        # `member` takes any docstring, so it is checked before that.
        summary(build)  # raises where there is none
        check_names("neutral", neutral or {}, options_in(build))
        return add(returning(build, contract.regularizer, slot=slot, site=site))

    return checked


def task(
    function: Callable[..., Any] | None = None,
    /,
    *,
    loss: str = "",
    sees: Callable[[DataSpec], DataSpec] | None = None,
    test_settings: Mapping[str, Any] | None = None,
    paper: str = "",
) -> Callable[[Builder], Builder]:
    """Registers a function that returns a research.tasks.problem.Problem as a task, for
    `--task=NAME`.

    Args:
        function: None: the decorator is written with its arguments.
        loss: the task's default loss.
        sees: a data set's DataSpec as the task sees it; None: as it is.
        test_settings: the data set that it, its losses and its metrics are tested on, where no
            other will do.
        paper: where the task was published.
    """
    if function is not None or not loss:
        raise UserError("@task lacks its default loss; write @task(loss='cross_entropy')")

    def add(build: Builder) -> Builder:
        name = build.__name__
        seen = sees or (lambda spec: spec)
        TASKS.add(
            Task(
                name,
                returning(build, contract.problem),
                summary(build),
                paper,
                test_settings=test_settings or {},
                loss=loss,
                sees=lambda spec: dataclasses.replace(seen(spec), task=name),
            )
        )
        return build

    return add
