"""The decorators of plain functions: losses, metrics, schedules, and callbacks at an epoch's
end."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from research import contract
from research.errors import UserError
from research.plugin.declaration import (
    Builder,
    accepts_old_keywords,
    check_test_options,
    decorator,
    options_in,
    summary,
)
from research.registry import (
    CALLBACKS,
    LOSSES,
    METRICS,
    SCHEDULES,
    TASKS,
    Callback,
    Loss,
    Metric,
    Schedule,
)


def loss(
    function: Callable[..., Any] | None = None,
    /,
    *,
    tasks: str | Sequence[str] = (),
    outputs: int | Callable[[int], int] | None = None,
    scores: Callable[[Any, int], Any] | None = None,
    linear: bool = False,
    paper: str = "",
) -> Any:
    """Registers `f(outputs [..., K], targets [..., C]) -> [...]`, a value per example or step, as a
    loss.

    Args:
        function: what is decorated, where there are no parentheses.
        tasks: the tasks that it belongs to.
        outputs: K, or K as a function of C; None: the network has as many outputs as targets have.
        scores: outputs as what the task's metrics read, ([..., K], C) -> [..., C]; required where K
            is not C.
        linear: whether it is linear in targets that are shares of classes; see registry.Loss.
        paper: where it is from.
    """
    if function is not None or not tasks:
        raise UserError("@loss lacks its tasks; write @loss(tasks=('regression',))")
    if outputs is not None and scores is None:
        raise UserError(
            "@loss(outputs=...) lacks scores; write scores=lambda outputs, width: ..., what the"
            " metrics are to read"
        )
    more: dict[str, Any] = {} if scores is None else {"scores": scores}
    if outputs is not None:
        # A number is a constant function, so that the engine has one form.
        more["outputs"] = outputs if callable(outputs) else lambda width: outputs

    def add(build: Builder) -> Builder:
        _check_arguments(build, ("outputs", "targets"))
        checked = contract.loss(build.__name__, build)
        LOSSES.add(
            Loss(
                build.__name__,
                lambda: checked,
                summary(build),
                paper,
                tasks=_known(tasks),
                linear=linear,
                **more,
            )
        )
        return build

    return add


def metric(
    function: Callable[..., Any] | None = None,
    /,
    *,
    tasks: str | Sequence[str] = (),
    higher_is_better: bool | None = None,
    whole: bool = False,
    paper: str = "",
) -> Any:
    """Registers `f(scores [B, ..., C], y [B, ...]) -> [B]`, a value per example, as a metric for
    `--metrics=NAME`.

    Args:
        function: what is decorated, where there are no parentheses.
        tasks: the tasks whose runs it can measure; the scores are theirs (logits of classes, values
            in the data's units).
        higher_is_better: which way is better.
        whole: it is one float of a whole split, in numpy: `f(scores [N, C], y [N]) -> float`; final
            metrics alone.
        paper: where it is from.
    """
    if function is not None or not tasks or higher_is_better is None:
        raise UserError(
            "@metric lacks its tasks, or higher_is_better; "
            "write @metric(tasks=('classification',), higher_is_better=True)"
        )

    def add(build: Builder) -> Builder:
        name = build.__name__
        of_tasks = _known(tasks)
        _check_arguments(build, ("scores", "y"))
        for task in of_tasks:
            # Names are keys of records, where one must not hide another.
            if name == "loss" or name in TASKS.get(task).build().better:
                raise UserError(f"{task} has a metric '{name}' already; give yours another name")
        checked = contract.metric(name, build, whole)
        better = "higher" if higher_is_better else "lower"
        METRICS.add(
            Metric(
                name,
                lambda: checked,
                summary(build),
                paper,
                tasks=of_tasks,
                better=better,
                whole=whole,
            )
        )
        return build

    return add


@accepts_old_keywords
def schedule(
    function: Callable[..., Any] | None = None,
    /,
    *,
    test_options: Mapping[str, Any] | None = None,
    paper: str = "",
) -> Any:
    """Registers `f(steps, steps_per_epoch, **options) -> [steps]`, factors of the learning rate.

    Its other parameters become flags (`--schedule.power=2`). The factors are computed once, on the
    host, by numpy.

    Args:
        function: what is decorated.
        test_options: values of options without default, for tests.
        paper: where the schedule was published.
    """

    def add(build: Builder) -> Builder:
        name = build.__name__
        given = ("steps", "steps_per_epoch")
        if missing := [word for word in given if word not in inspect.signature(build).parameters]:
            raise UserError(
                f"{name} lacks {' and '.join(missing)}; write def {name}(steps, steps_per_epoch,"
                " ...)"
            )
        options = options_in(build, given)
        check_test_options("schedule", test_options, options)

        def built(*, steps: int, steps_per_epoch: int, **chosen: Any) -> np.ndarray:
            # Checked once on the host: a table of another length would shift every later step.
            return contract.factors(
                name, build(steps=steps, steps_per_epoch=steps_per_epoch, **chosen), steps
            )

        SCHEDULES.add(
            Schedule(
                name, built, summary(build), paper, options=options, test_options=test_options or {}
            )
        )
        return build

    return decorator(add, function)


def callback(function: Callable[..., Any] | None = None, /) -> Any:
    """Registers `f(run_id, epoch, metrics)`, called on the host when a run has ended an epoch.

    epoch is counted from 1; metrics are the epoch's, by name (`validation/accuracy`). It is called
    whenever its file is given, and only for its side effects: training does not depend on it, and
    an error in it is a warning.
    """

    def add(build: Builder) -> Builder:
        _check_arguments(build, ("run_id", "epoch", "metrics"))
        CALLBACKS.add(Callback(build.__name__, lambda: build, summary(build)))
        return build

    return decorator(add, function)


def _check_arguments(function: Callable[..., Any], names: Sequence[str]) -> None:
    """Raises UserError if the function cannot be called with these arguments in their order."""
    try:
        # A trial binding, not a call: the function may need real arrays.
        inspect.signature(function).bind(*names)
    except TypeError as error:
        right = f"def {function.__name__}({', '.join(names)})"
        raise UserError(
            f"{function.__name__} is called with {len(names)} arguments ({error}); write {right}"
        ) from None


def _known(tasks: str | Sequence[str]) -> tuple[str, ...]:
    """The names of tasks. Raises Unknown for one that there is not."""
    names = (tasks,) if isinstance(tasks, str) else tuple(tasks)
    for name in names:
        TASKS.get(name)
    return names
