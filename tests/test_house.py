"""The house: imports run downwards only, files are small, and every registry entry is complete."""

import ast
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import research.catalogue  # noqa: F401
from research import registry
from research.options import REQUIRED
from research.registry import Entry, Registry
from research.testing import subjects
from tests import conftest
from tests.support import docstring_form, wording
from tests.support.engine import acts_on, member, run

ROOT = Path(__file__).parent.parent
FILES = sorted(
    path
    for folder in ("research", "experiments", "launch", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
)

# Lowest first; what shares a floor may import each other.
FLOORS = (
    (
        "research.characters",
        "research.words",
        "research.errors",
        "research.class_weight",
        "research.duration",
        "research.durable_files",
        "research.grammar",
        "research.messages",
        "research.options",
        "research.runtime",
        "research.signals",
        "research.synonyms",
        "research.metric_names",
        "research.characters",
    ),
    ("research.statistics",),
    ("research.entry_kinds",),
    ("research.registry",),
    (
        "research.rng",
        "research.param_tree",
        "research.kernels",
        "research.maxima",
        "research.examples",
    ),
    (
        "research.run_config",
        "research.player_settings",
        "research.config_leaves",
        "research.components",
        "research.config",
    ),
    ("research.identity",),
    ("research.data",),
    (
        "research.baselines",
        "research.models",
        "research.optim",
        "research.regularization",
        "research.tasks",
    ),
    ("research.contract",),
    ("research.catalogue", "research.plugin"),
    ("research.training",),
    ("research.sweeps",),
    ("research.testing",),
    ("research.analysis", "research.exports"),
    ("research.api",),
    ("experiments",),
    # launch.benchmark runs the measurements, which read its flags.
    ("launch", "benchmarks"),
)


def module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def floor(name: str) -> int:
    """The floor that a module lives on."""
    fitting = [
        place
        for place, rooms in enumerate(FLOORS)
        for room in rooms
        if name == room or name.startswith(room + ".")
    ]
    assert fitting, f"{name} has no floor"
    return fitting[0]


def imported(path: Path) -> Iterator[str]:
    """The modules of this repository that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            # `from research import rng` imports the module research.rng
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [
                name if (ROOT / (name.replace(".", "/") + ".py")).exists() else str(node.module)
                for name in inside
            ]
        else:
            continue
        yield from (
            name
            for name in names
            if name.partition(".")[0] in ("research", "experiments", "launch", "benchmarks")
        )


@pytest.mark.parametrize("path", [p for p in FILES if module(p) != "research"], ids=module)
def test_imports_run_downwards(path: Path) -> None:
    for name in imported(path):
        assert name != "research", f"{path} imports all of research"
        assert floor(name) <= floor(module(path)), (
            f"{module(path)} imports {name}, which lies above it"
        )


def test_files_are_small_and_have_a_noun() -> None:
    for path in FILES:
        lines = path.read_text().splitlines()
        assert len(lines) <= 400, path
        assert path.stem not in ("utils", "util", "helpers", "misc", "common"), path
        assert lines[0].startswith('"""'), f"{path}: the first line says what is in the file"


def test_programs_are_short() -> None:
    """At most 60 lines below the docstring: what a program does lies in the folders below."""
    for path in (ROOT / "launch").glob("*.py"):
        text = path.read_text()
        document = ast.parse(text).body[0]
        assert len(text.splitlines()) - (document.end_lineno or 0) <= 60, path


def registries() -> list[Registry[Entry]]:
    return [value for value in vars(registry).values() if isinstance(value, Registry)]


ENTRIES = [(r.kind, entry) for r in registries() for entry in r]


@pytest.mark.parametrize(
    ("kind", "entry"), ENTRIES, ids=lambda value: getattr(value, "name", value)
)
def test_an_entry_is_complete(kind: str, entry: Entry) -> None:
    assert entry.name.isidentifier()
    assert entry.summary
    assert "\n" not in entry.summary
    assert entry.version >= 1
    if kind in ("architecture", "regularizer"):
        assert entry.paper
    for option in entry.options:
        assert option.help or option.registry is not None or kind == "optimizer", (
            f"{entry.name}.{option.name}"
        )
        assert (
            option.default is not REQUIRED
            or option.name in entry.test_options
            or kind == "data set"
        )
        if option.default is not REQUIRED and option.default is not None:
            assert option.parse(option.default, option.name) == option.default
    for name in entry.test_options:
        assert entry.option(name) is not None
    assert all(need.endswith(".") and len(need) < 120 for need in entry.requirements), (
        entry.requirements
    )


@pytest.mark.parametrize("entry", list(registry.OPTIMIZERS), ids=lambda entry: entry.name)
def test_tiny_optimizers_resolve(entry: Entry) -> None:
    tiny = {f"optimizer.{name}": value for name, value in entry.test_options.items()}
    assert run(optimizer=entry.name, **tiny).config.optimizer.name == entry.name


@pytest.mark.parametrize("entry", list(registry.REGULARIZERS), ids=lambda entry: entry.name)
def test_tiny_regularizers_resolve(entry: registry.Regularizer) -> None:
    (part,) = run(regularization=member(entry), **acts_on(entry)).config.regularization
    assert {name: part[name] for name in entry.test_options} == dict(entry.test_options)


@pytest.mark.parametrize("entry", list(registry.ARCHITECTURES), ids=lambda entry: entry.name)
def test_tiny_architectures_resolve(entry: registry.Architecture) -> None:
    assert subjects.architecture(entry.name).run().config.arch.name == entry.name


def per_folder(uses: Callable[[str], Iterator[str]]) -> dict[str, list[str]]:
    """What `uses` yields for the text of each file, by folder."""
    results = defaultdict(list)
    for path in FILES:
        name = path.relative_to(ROOT)
        results[wording.folder(name)] += [f"{name}, {use}" for use in uses(path.read_text())]
    return results


def test_variables_have_names_that_say_something() -> None:
    assert not wording.too_many(per_folder(wording.vague_names), wording.NAMES_LEFT)


def test_texts_are_plain() -> None:
    assert not wording.too_many(per_folder(wording.phrases), wording.PHRASES_LEFT)


PRODUCT = [path for path in FILES if not path.is_relative_to(ROOT / "experiments")]


def test_a_class_name_has_one_meaning() -> None:
    twice = wording.classes_twice(PRODUCT)
    assert len(twice) <= wording.CLASSES_TWICE_LEFT, twice


def test_a_file_name_has_one_meaning() -> None:
    twice = wording.stems_twice(PRODUCT)
    assert len(twice) <= wording.STEMS_TWICE_LEFT, twice


def test_docstrings_describe_their_parameters() -> None:
    for path in FILES:
        left = list(docstring_form.breaches(path, module(path)))
        excused = str(path.relative_to(ROOT)) in docstring_form.EXCUSED
        assert not left or excused, (path, left)
        assert left or not excused, f"{path} keeps the rule: take it off the list of excuses"


def test_the_test_of_docstrings_can_fail() -> None:
    document = (
        "Does.\n\nArgs:\n    a: one.\n    b, c: two\n        more: lines.\n\nReturns:\n    d: x."
    )
    assert docstring_form.described(document) == {"a", "b", "c"}
    assert docstring_form.described("Does.\n\na: one.") == set()


def test_the_wording_tests_can_fail() -> None:
    text = 'def f(found):\n    """Told anew."""\n    self.kept = _own = 1  # hangs on it\n'
    assert len(list(wording.vague_names(text))) == 3
    assert len(list(wording.phrases(text))) == 3
    assert wording.too_many({"a": ["x", "y"], "b": ["z"]}, {"a": 1, "b": 1}) == {"a": ["x", "y"]}


def test_the_files_that_conftest_names_exist() -> None:
    names = (*conftest.LONGEST_FIRST, *conftest.SLOW, *conftest.QUICK)
    missing = [name for name in names if not (ROOT / "tests" / name).exists()]
    assert not missing
