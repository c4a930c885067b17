"""The docstrings of each registry entry's builder and of each function of research.api have an
example, and what it shows is true."""

import contextlib
import doctest
import importlib
import inspect
from collections.abc import Callable, Iterator

import pytest

import research.catalogue  # noqa: F401
from research import api, registry
from research.examples import example_of
from research.registry import Entry, Registry

ENTRIES = [
    pytest.param(entry, id=f"{kind.plural}-{entry.name}")
    for kind in vars(registry).values()
    if isinstance(kind, Registry)
    for entry in kind
]
CALLS = [getattr(api, name) for name in api.__all__ if inspect.isfunction(getattr(api, name))]


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The current folder: examples write their data and records there."""
    with contextlib.chdir(tmp_path_factory.mktemp("examples")):
        yield


def check(test: doctest.DocTest) -> None:
    """Runs the lines of an example, which must show at least one value."""
    report: list[str] = []
    result = doctest.DocTestRunner(verbose=False).run(test, out=report.append)
    assert any(line.want for line in test.examples)
    assert not result.failed, "".join(report)


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_entry_has_an_example(entry: Entry) -> None:
    example = example_of(entry)
    assert example is not None, f"{entry.name}: its builder's docstring has no section `Example:`"
    names = dict(example.names)
    check(doctest.DocTestParser().get_doctest(example.text, names, entry.name, None, None))


@pytest.mark.parametrize("function", CALLS, ids=lambda function: function.__name__)
def test_a_call_has_an_example(function: Callable[..., object]) -> None:
    assert function.__doc__
    _, heading, example = function.__doc__.partition("    Example:\n")
    assert heading
    names = dict(vars(api))
    check(doctest.DocTestParser().get_doctest(example, names, function.__name__, None, None))


@pytest.mark.parametrize(
    "module", ["research.maxima", "research.models.sizes", "research.optim.first_updates"]
)
def test_the_examples_of_a_module(module: str) -> None:
    tests = doctest.DocTestFinder().find(importlib.import_module(module))
    (test,) = [test for test in tests if test.examples]
    check(test)


def test_a_wrong_example_fails() -> None:
    test = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, None)
    with pytest.raises(AssertionError, match="Expected:"):
        check(test)
