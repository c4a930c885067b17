"""Plugins: files of the user's own that add to the catalogue, and the decorators by which they do."""

import dataclasses
import importlib.util
import inspect
import re
import sys
import traceback
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from research import registry
from research.errors import UserError
from research.options import options_of
from research.registry import ARCHITECTURES, OPTIMIZERS, Architecture, Entry, Optimizer, Registry
from research.regularization.member import member as regularizer

__all__ = ["architecture", "load", "optimizer", "regularizer"]

Builder = TypeVar("Builder", bound=Callable[..., Any])
REGISTRIES: tuple[Registry[Any], ...] = (
    registry.ARCHITECTURES,
    registry.ACTIVATIONS,
    registry.OPTIMIZERS,
    registry.SCHEDULES,
    registry.REGULARIZERS,
    registry.DATASETS,
    registry.TASKS,
    registry.LOSSES,
)


def architecture(
    *,
    tiny: Mapping[str, Any],
    paper: str = "",
    inputs: tuple[int, ...] = (),
    loss: str = "auto",
    normalization: str = "",
    asks: tuple[str, ...] = (),
    constraints: Sequence[Callable[..., str | None]] = (),
) -> Callable[[Builder], Builder]:
    """Registers a flax module as an architecture; see registry.Architecture for what is said of it.

    MyNet becomes `--arch=my_net`, its fields but `outputs` and what it asks for become flags, and the first line of its
    docstring the line of help.
    """

    def add(build: Builder) -> Builder:
        ARCHITECTURES.add(
            Architecture(
                _snake(build.__name__),
                build,
                _summary(build),
                paper,
                options=options_of(build, given=("outputs", *asks)),
                constraints=tuple(constraints),
                tiny=tiny,
                inputs=inputs,
                loss=loss,
                normalization=normalization,
                asks=asks,
            )
        )
        return build

    return add


def optimizer(*, tiny: Mapping[str, Any] | None = None, paper: str = "") -> Callable[[Builder], Builder]:
    """Registers a function that returns an optax transformation, without learning rate or sign, as an optimizer.

    Its parameters become flags; those that are floats may be tracers, and may differ from lane to lane.
    """

    def add(build: Builder) -> Builder:
        name, options = build.__name__, options_of(build)
        OPTIMIZERS.add(Optimizer(name, build, _summary(build), paper, options=options, tiny=tiny or {}))
        return build

    return add


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _summary(build: Callable[..., Any]) -> str:
    return (inspect.getdoc(build) or "").split("\n")[0].rstrip(".")


def load(path: str) -> list[tuple[Registry[Any], Entry]]:
    """Runs a file, and returns what it has added to the catalogue.

    The version of each entry is a checksum of the file: a changed file is trained anew. Raises UserError if the file is
    not there, breaks, adds nothing, or adds a name that is taken.
    """
    file = Path(path)
    if not file.is_file():
        raise UserError(f"--plugin={path}: there is no such file")
    before = {kind.plural: set(kind.names()) for kind in REGISTRIES}
    _run(file)
    version = zlib.crc32(file.read_bytes())
    added: list[tuple[Registry[Any], Entry]] = []
    for kind in REGISTRIES:
        for name in sorted(set(kind.names()) - before[kind.plural]):
            added.append((kind, kind.replace(dataclasses.replace(kind.get(name), version=version))))
    if not added:
        raise UserError(f"--plugin={path} adds nothing to the catalogue; decorate a module with @architecture(...)")
    return added


def _run(file: Path) -> None:
    spec = importlib.util.spec_from_file_location(f"plugin_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise UserError(f"--plugin={file} is not a Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        frame = error.__traceback__
        while frame is not None and frame.tb_frame.f_code.co_filename != str(file):
            frame = frame.tb_next
        trace = "".join(traceback.format_exception(type(error), error, frame)).rstrip()
        raise UserError(f"--plugin={file} cannot be used: {type(error).__name__}: {error}\n{trace}") from None
