"""The decorators of data: tables that a function makes, and environments."""

import inspect
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from research import contract
from research.data import adapted as adapted_lib
from research.data.data_table import Table
from research.data.environments.collected import environment as environment_entry
from research.data.environments.world import World
from research.data.generated import open_generated
from research.data.spec import Source
from research.plugin.declaration import (
    Builder,
    accepts_old_keywords,
    check_test_options,
    decorator,
    defaults,
    options_in,
    returning,
    summary,
)
from research.registry import (
    DATASETS,
    Entry,
)

TABLE = "return Table(x, y, classes, columns), of research.plugin"


@accepts_old_keywords
def dataset(
    function: Callable[..., Any] | None = None,
    /,
    *,
    test_options: Mapping[str, Any] | None = None,
    paper: str = "",
) -> Any:
    """Registers a function that returns a research.plugin.Table as a data set.

    Its parameters become flags (`--dataset.size=100`), besides `task` and `impute`. The table is
    written under --cache_dir the first time, and again when the file has changed.

    Args:
        function: what is decorated.
        test_options: values of options without default, for tests.
        paper: where the data was published.
    """

    def add(build: Builder) -> Builder:
        name = build.__name__
        # The written table is found again by this checksum, so an edited file writes it again.
        code = zlib.crc32(Path(inspect.getfile(build)).read_bytes())

        options = options_in(build)
        check_test_options("dataset", test_options, options)
        # The function's own option wins over an added one of the same name.
        names = {option.name for option in options}
        added = tuple(option for option in adapted_lib.OPTIONS if option.name not in names)

        def opened(*, data_dir: str | None, cache_dir: str, **given: Any) -> Source:
            asked = {
                option.name: given.pop(option.name) for option in added if option.name in given
            }
            load = returning(build, contract.of_kind, kind=Table, right=TABLE)
            return adapted_lib.adapted(
                open_generated(name, load, given, cache_dir, code), cache_dir=cache_dir, **asked
            )

        every = (*options, *added)
        # Tests need a value for every option, so defaults fill in what the plugin leaves out.
        small = {**defaults(every), **(test_options or {})}
        DATASETS.add(Entry(name, opened, summary(build), paper, options=every, test_options=small))
        return build

    return decorator(add, function)


def environment(
    function: Callable[..., Any] | None = None,
    /,
    *,
    test_options: Mapping[str, Any] | None = None,
    test_settings: Mapping[str, Any] | None = None,
    paper: str = "",
) -> Any:
    """Registers a function that returns a World as an environment.

    `def my_world(...)` becomes `--dataset=my_world`; its parameters become flags. Those that are
    floats may be tracers, and may differ from lane to lane.

    Args:
        function: the decorated function, where there are no parentheses.
        test_options: the small setting that tests use; required for options without a default.
        test_settings: what tests set beside them, such as the objective and the network.
        paper: the source.
    """

    def add(build: Builder) -> Builder:
        check_test_options("environment", test_options, options_in(build))
        DATASETS.add(
            environment_entry(
                build.__name__,
                returning(build, contract.of_kind, kind=World),
                summary(build),
                paper,
                test_options=test_options,
                test_settings=test_settings or {"objective": "policy_gradient"},
            )
        )
        return build

    return decorator(add, function)
