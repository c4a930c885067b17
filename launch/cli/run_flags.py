"""Flags of a run and of a sweep, made from RunConfig and the registries."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from absl import flags

import research.catalogue  # noqa: F401  (fills the registries)
from launch.cli.start import PLUGIN
from research import messages
from research.config import (
    FIELDS,
    HELP,
    NESTED,
    PARTS,
    PLAYER_FIELDS,
    REGULARIZERS,
    SHORT,
    Component,
)
from research.errors import UserError
from research.options import REQUIRED, format_value
from research.player_settings import players_of
from research.registry import OBJECTIVES
from research.sweeps.declare.sweep_request import Axes, asked, refuse_written
from research.sweeps.declare.sweep_spec import SweepSpec
from research.sweeps.records.store import Store


def define_run_flags(argv: Sequence[str]) -> None:
    """A flag for every setting of a run, and one for every option of every entry:
    `--arch.hidden=256,256`."""
    for name in FIELDS:
        flags.DEFINE_string(name, None, f"{HELP[name]}{_default(FIELDS[name].default)}")
    for name, registry in PARTS.items():
        for option_name, owners in _options(name, registry).items():
            flags.DEFINE_string(f"{name}.{option_name}", None, "; ".join(owners))
    for name, setting in SHORT.items():
        flags.DEFINE_string(name, None, f"{flags.FLAGS[setting].help}; short for --{setting}")
    for path, meaning in _player_flags().items():
        flags.DEFINE_string(path, None, meaning)
    # A chain's options, and names that are wrong, are known only from the command line; resolving
    # judges them.
    for argument in argv[1:]:
        match = re.match(r"--?((\w+)\.[\w.]+)", argument)
        if match and match[2] in NESTED and match[1] not in flags.FLAGS:
            flags.DEFINE_string(match[1], None, "")


def _player_flags() -> dict[str, str]:
    """The flags of the players of objectives that have several, and what each means."""
    meanings: dict[str, list[str]] = {}
    for entry in OBJECTIVES:
        options = {option.name: option.default for option in entry.options}
        players = players_of(
            Component(entry.name, tuple({**options, **entry.test_options}.items()))
        )
        for player in players if len(players) > 1 else ():
            for field in PLAYER_FIELDS:
                meanings.setdefault(f"{field}.{player.name}", []).append(
                    f"{HELP[field]}, of the {player.name} of objective={entry.name}"
                )
    return {path: "; ".join(lines) for path, lines in meanings.items()}


def _default(value: Any) -> str:
    """` (default VALUE)`, or nothing where no value is a value too."""
    if isinstance(value, Component):
        return f" (default {value.name})"
    return "" if value in (None, (), "") else f" (default {format_value(value)})"


def _options(field: str, registry: Any) -> dict[str, list[str]]:
    """What each option of a registry's entries is, by name: a line per meaning, with the entries
    that have it."""
    owners: dict[str, dict[str, list[str]]] = {}
    for entry in (*registry, *registry.examples()):
        for place, opt in enumerate(entry.options):
            name = opt.name
            if registry is REGULARIZERS:
                name = entry.name if place == 0 else f"{entry.name}.{opt.name}"
            default = " (required)" if opt.default is REQUIRED else _default(opt.default)
            meaning = f"{opt.help or opt.name}{default}"
            owners.setdefault(name, {}).setdefault(meaning, []).append(entry.name)
    return {
        name: [f"{', '.join(entries)}: {meaning}" for meaning, entries in meanings.items()]
        for name, meanings in owners.items()
    }


def run_settings() -> dict[str, str]:
    """The settings of a run that the command line gives."""
    given = flags.FLAGS.flag_values_dict()
    names = [n for n in given if n in FIELDS or (n.partition(".")[0] in NESTED and "." in n)]
    settings = {name: given[name] for name in names if given[name] is not None}
    for short, long in SHORT.items():
        if given[short] is not None and long in settings:
            raise UserError(f"--{short} is short for --{long}; leave one of them out")
    settings |= {long: given[short] for short, long in SHORT.items() if given[short] is not None}
    refuse_written([name for name in settings if "." in name], settings)
    return settings


def define_sweep_flags() -> None:
    """The axes of a sweep."""
    flags.DEFINE_multi_string(
        "grid", [], "an axis: 'learning_rate=0.01|0.1'; several axes multiply"
    )
    flags.DEFINE_multi_string(
        "zip", [], "axes that move together: 'epochs=5|10; learning_rate=0.1|0.05'"
    )
    flags.DEFINE_multi_string(
        "sample", [], "an axis drawn at random: 'learning_rate=log(1e-4,1)', with --samples"
    )
    flags.DEFINE_integer("samples", 0, "points drawn from the --sample axes", lower_bound=0)
    flags.DEFINE_integer("sample_seed", 0, "seed of the drawn points", lower_bound=0)
    flags.DEFINE_integer("seeds", 1, "seeds per point, counted from --seed", lower_bound=1)


def define_run_and_sweep_flags(argv: Sequence[str]) -> None:
    """The settings of a run, and the axes of a sweep."""
    define_run_flags(argv)
    define_sweep_flags()


def axes_given() -> list[str]:
    """The flags of axes, and of seeds, that the command line gives."""
    names = ("grid", "zip", "sample", "samples", "sample_seed", "seeds")
    return [name for name in names if flags.FLAGS[name].present]


def named_or_asked(name: str | None, records: Store) -> SweepSpec:
    """The sweep that the command line asks for; with a name and no setting or axis, the one that is
    kept under it.

    Raises UserError on a malformed axis, or a name that is not there.
    """
    if name is None or run_settings() or axes_given():
        return sweep_of_flags()
    return with_its_plugins(name, SweepSpec.load(records, name))


def with_its_plugins(name: str, sweep: SweepSpec) -> SweepSpec:
    """The sweep with its plugins where they lie now.

    Raises UserError if one that it was asked with is not given: its parts are not in the catalogue.
    """
    sweep = sweep.with_plugins(plugins())
    for path in sweep.plugins:
        if path not in plugins():
            moved = "" if Path(path).is_file() else " (which no longer exists; give its new path)"
            raise UserError(f"'{name}' was started with --plugin={path}{moved}; give that too")
    return sweep


def plugins() -> list[str]:
    """The absolute paths of the plugins that the command line gives."""
    # Absolute, since the same command may later be started in another directory.
    return [str(Path(path).resolve()) for path in PLUGIN.value]


def sweep_of_flags() -> SweepSpec:
    """The sweep that the command line asks for. Raises UserError on a malformed axis."""
    given = flags.FLAGS
    axes_given = Axes(given.grid, given.zip, given.sample, given.samples, given.sample_seed)
    return asked(
        run_settings(),
        axes_given,
        given.seeds,
        plugins(),
        messages.say,
    )
