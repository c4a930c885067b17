"""Host estimators: which settings apply to a run that is fitted on the host."""

import dataclasses

from research.config import RunConfig, leaves, resolve
from research.errors import UserError
from research.registry import ARCHITECTURES, TASKS, HostEstimator
from research.run_config import FITTED_SETTINGS


def is_host_estimator(arch: str) -> bool:
    """Whether the architecture of that name is one; False where there is no such name."""
    return arch in ARCHITECTURES and isinstance(ARCHITECTURES.get(arch), HostEstimator)


def is_fitted(config: RunConfig) -> bool:
    """Whether the run is fitted on the host instead of trained."""
    return is_host_estimator(config.arch.name)


def training_settings(config: RunConfig) -> frozenset[str]:
    """The settings of a run that are not the default and do not apply to fitted runs, by path."""
    heads = {leaf.path: leaf.path.partition(".")[0] for leaf in leaves(config) if not leaf.default}
    return frozenset(
        head if head == "regularization" else path
        for path, head in heads.items()
        if head not in FITTED_SETTINGS
    )


def not_applicable(config: RunConfig) -> frozenset[str]:
    """The settings of a fitted run that are not the default and would change nothing, by path."""
    paths = training_settings(config)
    # A record names the loss of its task, with which it is compared.
    own_loss = config.task != "auto" and config.loss == TASKS.get(config.task).loss
    return frozenset(p for p in paths if p.partition(".")[0] != "loss") if own_loss else paths


def without_training(config: RunConfig) -> RunConfig:
    """A fitted run's config with the defaults of all that does not apply, so that runs which differ
    only there are one run."""
    defaults, _ = resolve({})
    return dataclasses.replace(
        defaults, **{name: getattr(config, name) for name in FITTED_SETTINGS}
    )


def check_task(config: RunConfig) -> None:
    """Raises UserError if the estimator is not for the run's task, or the task not for networks."""
    entry = ARCHITECTURES.get(config.arch.name)
    if isinstance(entry, HostEstimator):
        if config.task not in entry.tasks:
            raise UserError(
                f"arch={entry.name} is for {' and '.join(entry.tasks)}; the task is {config.task}"
            )
    elif TASKS.get(config.task).fitted:
        fitting = [e.name for e in ARCHITECTURES if config.task in getattr(e, "tasks", ())]
        raise UserError(
            f"task={config.task} is not for networks such as arch={entry.name}; use"
            f" {', '.join(fitting)}"
        )


def check_weighs(arch: str, setting: str) -> None:
    """Raises UserError if a host estimator cannot weigh examples.

    Args:
        arch: the name of the architecture.
        setting: what weighs them, such as class_weight.
    """
    entry = ARCHITECTURES.get(arch)
    if not isinstance(entry, HostEstimator) or entry.weighs:
        return
    weighing = [other.name for other in ARCHITECTURES if getattr(other, "weighs", False)]
    raise UserError(
        f"arch={arch} does not weigh examples; leave --{setting} out, or take one that does:"
        f" {', '.join(weighing)}, or a network"
    )


def stops_early(config: RunConfig) -> bool:
    """Whether a fitted run chooses an iteration on the validation rows."""
    return bool(dict(config.arch.options).get("early_stopping_rounds"))
