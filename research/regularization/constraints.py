"""Constraints that members share: what is wrong with a member in a config, or None.

The first line of a docstring says what must hold, and is listed with the member. Each takes the
member's name, the config and the data set's spec.
"""

from collections.abc import Callable
from typing import Any

from research.registry import ARCHITECTURES

Constraint = Callable[[str, Any, Any], str | None]


def images_only(name: str, config: Any, spec: Any) -> str | None:
    """The data set's examples are images [H, W, C]."""
    if "image" in spec.inputs.kinds:
        return None
    return f"{name} is for images, but {config.dataset.name} has {spec.inputs.describe()}"


def feature_maps(name: str, config: Any, spec: Any) -> str | None:
    """The network's hidden layers have positions (rows and columns) besides channels."""
    if set(ARCHITECTURES.get(config.arch.name).takes) == {"image"}:
        return None
    return (
        f"{name} averages over the places of a feature map; arch={config.arch.name} has none,"
        " arch=cnn has"
    )


def of_classes(name: str, config: Any, spec: Any) -> str | None:
    """Targets are distributions over classes."""
    if spec.targets.of_classes:
        return None
    task = spec.task if config.task == "auto" else config.task
    return f"{name} mixes class probabilities; the task is {task}"


def one_target(name: str, config: Any, spec: Any) -> str | None:
    """An example has one target, which does not depend on how large the example is."""
    if not spec.targets.reconstructs and not spec.targets.shape:
        return None
    return (
        f"{name} makes images smaller, and the targets of {spec.task} are as large as the images;"
        " try shift"
    )


def not_with(*others: str, why: str) -> Constraint:
    """The other regularizers are not chosen."""

    def constraint(name: str, config: Any, spec: Any) -> str | None:
        chosen = [entry.name for entry in config.regularization if entry.name in others]
        return f"{name} and {chosen[0]} exclude each other: {why}" if chosen else None

    constraint.__doc__ = f"Not together with {' or '.join(others)}: {why}."
    return constraint


def in_order(low: str, high: str) -> Constraint:
    """The one option is not above the other."""

    def constraint(name: str, config: Any, spec: Any) -> str | None:
        (options,) = (
            dict(component.options) for component in config.regularization if component.name == name
        )
        if low not in options or options[low] <= options[high]:
            return None
        return (
            f"{name} draws between {low}={options[low]:g} and {high}={options[high]:g},"
            " the wrong way round; swap them"
        )

    constraint.__doc__ = f"{low} is not above {high}."
    return constraint


def decays_once(name: str, config: Any, spec: Any) -> str | None:
    """The optimizer does not decay the weights itself."""
    decays = (
        (option, value)
        for option, value in config.optimizer.options
        # In a chain the option has its member's name before it.
        if option.endswith("weight_decay")
    )
    option, strength = next(((option, value) for option, value in decays if value), ("", 0))
    if not strength:
        return None
    optimizer = config.optimizer.name
    return (
        f"{name} with {optimizer} (weight_decay={strength:g}) decays twice; leave one out, as in"
        f" optimizer.{option}=0"
    )


def averaged_sgd(name: str, config: Any, spec: Any) -> str | None:
    """The optimizer is sgd, and at rest its update is the gradient itself.

    Heavy-ball momentum µ makes it gradient/(1 - µ) there, so a threshold of lr·λ would act as a
    strength λ(1 - µ).
    """
    options = dict(config.optimizer.options)
    if config.optimizer.name != "sgd":
        return (
            f"{name} is the proximal step of gradient descent; use optimizer=sgd, not"
            f" {config.optimizer.name}, or l1"
        )
    if options.get("momentum", 0) and options.get("style") == "heavy_ball":
        return (
            f"{name} with heavy-ball momentum has another strength; use optimizer.style=average or"
            " no momentum"
        )
    return None
