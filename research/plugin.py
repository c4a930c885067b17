"""Plugins: files of the user's own that add to the catalogue, and the decorators by which they do."""

import dataclasses
import functools
import importlib.util
import inspect
import re
import sys
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import optax

from research import contract, registry
from research.data import adapted as adapted_lib
from research.data.generated import open_generated
from research.data.spec import DataSpec, Source
from research.data.table import Table
from research.errors import UserError, blamed, nearest
from research.options import REQUIRED, Option, options_of
from research.registry import ARCHITECTURES, DATASETS, OPTIMIZERS, TASKS, Architecture, Entry, Optimizer, Registry, Task
from research.regularization.member import member

__all__ = ["architecture", "dataset", "load", "optimizer", "regularizer", "task"]

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
    function: Callable[..., Any] | None = None,
    /,
    *,
    tiny: Mapping[str, Any] | None = None,
    paper: str = "",
    inputs: tuple[int, ...] = (),
    loss: str = "auto",
    normalization: str = "",
    asks: tuple[str, ...] = (),
    constraints: Sequence[Callable[..., str | None]] = (),
) -> Any:
    """Registers a flax module as an architecture; see registry.Architecture for what is said of it.

    MyNet becomes `--arch=my_net`, its fields but `outputs` and what it asks for become flags, and the first line of its
    docstring the line of help.
    """

    def add(build: Builder) -> Builder:
        if "outputs" not in inspect.signature(build).parameters:
            raise UserError(f"{build.__name__} lacks the field `outputs: int`, the width of what it returns")
        options = _options(build, given=("outputs", *asks))
        _check_tiny("architecture", tiny, options)
        ARCHITECTURES.add(
            Architecture(
                _snake(build.__name__),
                build,
                _summary(build),
                paper,
                options=options,
                constraints=tuple(constraints),
                tiny=tiny or {},
                inputs=inputs,
                loss=loss,
                normalization=normalization,
                asks=asks,
            )
        )
        return build

    return _decorator(add, function)


def optimizer(
    function: Callable[..., Any] | None = None, /, *, tiny: Mapping[str, Any] | None = None, paper: str = ""
) -> Any:
    """Registers a function that returns an optax transformation, without learning rate or sign, as an optimizer.

    Its parameters become flags; those that are floats may be tracers, and may differ from lane to lane.
    """

    def add(build: Builder) -> Builder:
        name, options = build.__name__, _options(build)
        _check_tiny("optimizer", tiny, options)
        built = _returning(build, contract.of_kind, kind=optax.GradientTransformation)
        OPTIMIZERS.add(Optimizer(name, built, _summary(build), paper, options=options, tiny=tiny or {}))
        return build

    return _decorator(add, function)


def regularizer(
    slot: str = "", site: str = "", *, neutral: Mapping[str, Any] | None = None, paper: str = "", **known: Any
) -> Callable[[Builder], Builder]:
    """Registers a function that returns the transformation of a slot and site (see research/regularization).

    neutral: the options at which it does nothing, None where there are none. known: more of what
    research.regularization.member.member takes.
    """
    if callable(slot) or not site:
        raise UserError("@regularizer lacks its slot and site; write @regularizer('loss', 'kernels', neutral={...})")
    add = member(slot, site, paper=paper, neutral=neutral, **known)

    def held(build: Builder) -> Builder:
        _summary(build)  # raises where there is none
        _check_names("neutral", neutral or {}, _options(build))
        return add(_returning(build, contract.regularizer, slot=slot, site=site))

    return held


def dataset(
    function: Callable[..., Any] | None = None, /, *, tiny: Mapping[str, Any] | None = None, paper: str = ""
) -> Any:
    """Registers a function that returns a research.data.table.Table as a data set.

    Its parameters become flags (`--dataset.size=100`), beside `task` and `impute`. The table is written under
    --cache_dir the first time, and anew when the file has changed.
    """

    def add(build: Builder) -> Builder:
        name, code = build.__name__, zlib.crc32(Path(inspect.getfile(build)).read_bytes())

        options = _options(build)
        _check_tiny("dataset", tiny, options)
        names = {option.name for option in options}
        added = tuple(option for option in adapted_lib.OPTIONS if option.name not in names)

        def opened(*, data_dir: str | None, cache_dir: str, **given: Any) -> Source:
            asked = {option.name: given.pop(option.name) for option in added if option.name in given}
            load = _returning(build, contract.of_kind, kind=Table)
            return adapted_lib.adapted(open_generated(name, load, given, cache_dir, code), cache_dir=cache_dir, **asked)

        every = (*options, *added)
        small = {**_defaults(every), **(tiny or {})}
        DATASETS.add(Entry(name, opened, _summary(build), paper, options=every, tiny=small))
        return build

    return _decorator(add, function)


def task(
    function: Callable[..., Any] | None = None,
    /,
    *,
    loss: str = "",
    sees: Callable[[DataSpec], DataSpec] | None = None,
    paper: str = "",
) -> Callable[[Builder], Builder]:
    """Registers a function that returns a research.tasks.problem.Problem as a task, for `--task=NAME`.

    loss: its default loss. sees: a data set's DataSpec as the task has it; none: as it is.
    """
    if function is not None or not loss:
        raise UserError("@task lacks its default loss; write @task(loss='cross_entropy')")

    def add(build: Builder) -> Builder:
        name = build.__name__
        seen = sees or (lambda spec: spec)
        TASKS.add(
            Task(
                name,
                _returning(build, contract.problem),
                _summary(build),
                paper,
                loss=loss,
                sees=lambda spec: dataclasses.replace(seen(spec), task=name),
            )
        )
        return build

    return add


def _decorator(add: Callable[[Builder], Builder], function: Any) -> Any:
    """What a decorator returns; `function` is what it decorates where it is written without parentheses."""
    return add if function is None else add(function)


def _returning(build: Callable[..., Any], held: Callable[..., Any], **to: Any) -> Any:
    """The function, whose result is `held` to what it must be."""

    @functools.wraps(build)
    def built(*arguments: Any, **options: Any) -> Any:
        return held(build.__name__, build(*arguments, **options), **to)

    return built


def _options(build: Callable[..., Any], given: Collection[str] = ()) -> tuple[Option, ...]:
    """The options of a builder. Raises UserError if one's own default is not a value that it may have."""
    options = options_of(build, given)
    for option in options:
        if option.readable and option.default is not REQUIRED:
            option.parse(option.default, f"{build.__name__}: the default {option.name}")
    return options


def _check_names(what: str, values: Mapping[str, Any], options: Sequence[Option]) -> None:
    """Raises UserError on a name in `tiny` or `neutral` that is no option."""
    names = [option.name for option in options]
    for name in values:
        if name not in names:
            raise UserError(
                f"{what} has '{name}', which is no option; {nearest(name, names) if names else 'it has none'}"
            )


def _check_tiny(decorator: str, tiny: Mapping[str, Any] | None, options: Sequence[Option]) -> None:
    """Raises UserError if `tiny`, the setting that tests use, lacks an option without default, or has another name."""
    _check_names("tiny", tiny or {}, options)
    for option in options:
        if option.default is REQUIRED and option.name not in (tiny or {}):
            written = f"@{decorator}(tiny={{'{option.name}': ...}})"
            raise UserError(f"'{option.name}' has no default, so tests need a value; write {written}")


def _defaults(options: Sequence[Option]) -> dict[str, Any]:
    return {option.name: option.default for option in options if option.default is not REQUIRED}


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _summary(build: Callable[..., Any]) -> str:
    """The first line of its docstring. Raises UserError if it has none, or only the one that Python made of fields."""
    said = inspect.cleandoc(build.__doc__ or "").partition("\n")[0]
    if not said or (inspect.isclass(build) and said.startswith(f"{build.__name__}(")):
        raise UserError(f"{build.__name__} lacks a docstring; its first line is what launch.list says of it")
    return said.rstrip(".")


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
    except UserError as error:
        raise UserError(f"--plugin={file}: {error}") from None
    except Exception as error:
        said = blamed(error, [str(file)]) or f"{file}: {type(error).__name__}: {error}"
        raise UserError(f"--plugin={said}") from None
