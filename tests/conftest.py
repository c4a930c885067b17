"""What all tests share: compiled programs on disk, and no more of them in memory than a process has
maps for."""

import functools
import gc
import itertools
import os
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import jax
import pytest

# A program is compiled once for all tests, processes and checkouts of a user, and for later runs of
# the tests: compiling takes half of a first run's time. JAX tells programs apart by their code, its
# options and its version, never by their place.
USER_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
PROGRAMS = USER_CACHE / "jax-ablations" / "tests" / "xla"
MONTH = 30 * 24 * 3600  # seconds
OPTIONS = {
    "jax_compilation_cache_dir": str(PROGRAMS),
    "jax_persistent_cache_min_compile_time_secs": 0.0,
    "jax_persistent_cache_min_entry_size_bytes": -1,
    "jax_persistent_cache_enable_xla_caches": "none",
    # With few optimisations XLA compiles in half of the time: programs are many, each of a few
    # steps. `engine.compiled_fully` is for those that must be as users have them.
    "jax_disable_most_optimizations": True,
    # Where in the source each operation stands is said in no error and in no record, and took a
    # tenth of the lowering.
    "jax_traceback_in_locations_limit": 0,
}
for option, value in OPTIONS.items():
    jax.config.update(option, value)
    os.environ[option.upper()] = str(value)  # of the processes that tests start

# Without its newer emitters of fused loops XLA compiles for a CPU in two thirds of the time, and
# without dividing each small program among threads in nine tenths of that.
QUICKLY = "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {QUICKLY}"

# What tests start keeps the modules that it compiles, also where pytest was told not to.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A tenth of the time went into looking for cycles among the many objects that JAX keeps.
gc.set_threshold(100_000, 50, 100)


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)  # it is pytest-xdist's
def pytest_xdist_setupnodes() -> None:
    """Before a run with workers drops the programs that were compiled over a month ago, and those
    that a killed process left cut short: JAX would warn of them for ever."""
    for path in PROGRAMS.glob("*-cache"):
        try:
            dropped = path.stat().st_mtime < time.time() - MONTH
            zlib.decompress(path.read_bytes())
        except (OSError, zlib.error):
            dropped = True
        if dropped:
            path.unlink(missing_ok=True)


# Each worker takes a whole file, the next one in this order (`--no-loadscope-reorder`): those that
# take longest come first, since a long one that came last would keep one worker busy and the
# others idle. Numbers are seconds of the processor in a user's first run.
LONGEST_FIRST = (
    "slurm/test_slurm.py",  # 100, and waits for four minutes
    "models/test_battery.py",  # 190
    "training/test_combinations.py",  # 150
    "test_docs.py",  # 120
    "launch/test_benchmarks.py",  # 95
    "launch/test_odd_inputs.py",  # 90
    "training/test_parallel.py",  # 85
    "training/test_masks.py",  # 80
    "training/test_levels.py",  # 75
    "golden/test_golden.py",  # 60
    "launch/test_processes.py",  # 60
    "launch/test_end_to_end.py",  # 60
    "sweeps/test_many_writers.py",  # waits
    "launch/test_evaluate.py",  # 50
    "training/test_checkpoints.py",  # 30
    "test_notebooks.py",  # 28
    "test_examples.py",  # 27
    "launch/test_fuzz.py",
    "launch/test_bad_input.py",  # 21
    "launch/test_tune.py",  # 21
    "launch/test_generate.py",
    "launch/test_verify.py",  # 19
    "launch/test_status.py",
    "launch/test_signals.py",
    "plugin/test_files.py",
    "training/test_exact.py",
)


# Folders and files that train many runs or start processes. Their tests are marked `slow`, and
# `make fast` leaves them out. Those of QUICK lie there but only work out values.
SLOW = (
    *("api", "baselines", "exports", "golden", "launch", "models", "optim", "plugin"),
    *("slurm", "statistics", "sweeps", "training"),
    *("analysis/test_trials.py", "analysis/test_tuning_pages.py"),
    *("data/test_tfds_prepared.py", "tasks/test_regression.py", "tasks/test_calibration.py"),
    *("tasks/test_quantile.py", "tasks/test_soft_classification.py"),
    *("test_contract.py", "test_docs.py", "test_examples.py", "test_journeys.py"),
    *("test_notebooks.py", "test_readme.py"),
)
QUICK = ("optim/test_schedules.py", "sweeps/test_axes.py", "sweeps/test_store.py")
TESTS = Path(__file__).parent


@functools.cache  # a file has many tests
def is_slow(path: Path) -> bool:
    """Whether the tests of a file are among those that `make fast` leaves out."""
    inside = path.relative_to(TESTS)
    return any(inside.is_relative_to(name) for name in SLOW) and str(inside) not in QUICK


@pytest.hookimpl(tryfirst=True)  # before pytest selects by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if is_slow(item.path):
            item.add_marker(pytest.mark.slow)
    names = {TESTS / name: rank for rank, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: names.get(item.path, len(names)))


# Programs stay loaded until they are dropped, each in maps of its own, of which Linux gives a
# process 65,530.
MAPS, MOST_MAPS = Path("/proc/self/maps"), 30_000
# Reading that file takes up to 30 ms, and there are thousands of tests.
TESTS_BETWEEN = 20
_tests = itertools.count(1)


@pytest.fixture(autouse=True)
def _drop_programs() -> Iterator[None]:
    yield
    if next(_tests) % TESTS_BETWEEN:
        return
    if MAPS.exists() and MAPS.read_bytes().count(b"\n") > MOST_MAPS:
        jax.clear_caches()
