"""The docstring of each registry entry's builder has an example, and what it shows is true."""

import doctest
import importlib

import pytest

import research.catalogue  # noqa: F401
from research import registry
from research.examples import example_of
from research.registry import Entry, Registry

# They read files that their owners publish, which a test does not have.
READ_FROM_FILES = ("cifar10", "mnist", "permuted_mnist", "sequential_mnist", "tiny_shakespeare")

ENTRIES = [
    pytest.param(entry, id=f"{kind.plural}-{entry.name}")
    for kind in vars(registry).values()
    if isinstance(kind, Registry)
    for entry in kind
    if entry.name not in READ_FROM_FILES
]


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
