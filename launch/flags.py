"""Flags of a run and of a sweep, made from RunConfig and the registries."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from absl import flags

import research.catalogue  # noqa: F401  (fills the registries)
from research.config import FIELDS, HELP, PARTS, REGULARIZERS
from research.options import REQUIRED, format_value
from research.sweeps.store import Store

DATA_DIR = flags.DEFINE_string("data_dir", None, "prepared TFDS sets; none: $TFDS_DATA_DIR, else ~/tensorflow_datasets")
RECORDS = flags.DEFINE_string("records", "records", "directory of the records")


def define_run_flags(argv: Sequence[str]) -> None:
    """A flag for every setting of a run, and one for every option of every entry: `--arch.hidden=256,256`."""
    for name in FIELDS:
        default = FIELDS[name].default
        flags.DEFINE_string(name, None, f"{HELP[name]} (default {'none' if default == () else default})")
    for name, registry in PARTS.items():
        for option_name, owners in _options(name, registry).items():
            flags.DEFINE_string(f"{name}.{option_name}", None, "; ".join(owners))
    # A chain's options, and names that are wrong, are known only from the command line; resolving judges them.
    for argument in argv[1:]:
        match = re.match(r"--?((\w+)\.[\w.]+)", argument)
        if match and match[2] in PARTS and match[1] not in flags.FLAGS:
            flags.DEFINE_string(match[1], None, "")


def _options(field: str, registry: Any) -> dict[str, list[str]]:
    """What each option of a registry's entries is, by name: one line an entry that has it."""
    options: dict[str, list[str]] = {}
    for entry in registry:
        for place, opt in enumerate(entry.options):
            name = opt.name
            if registry is REGULARIZERS:
                name = entry.name if place == 0 else f"{entry.name}.{opt.name}"
            default = "required" if opt.default is REQUIRED else f"default {format_value(opt.default)}"
            options.setdefault(name, []).append(f"{entry.name}: {opt.help or opt.name} ({default})")
    return options


def run_settings() -> dict[str, str]:
    """The settings of a run that the command line gives."""
    given = flags.FLAGS.flag_values_dict()
    names = [n for n in given if n in FIELDS or (n.partition(".")[0] in PARTS and "." in n)]
    return {name: given[name] for name in names if given[name] is not None}


def store() -> Store:
    """The records directory that the flags name."""
    return Store(Path(RECORDS.value))
