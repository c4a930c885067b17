"""What `--help` prints: a program's settings in groups, or the options of one entry, group or
setting."""

import re
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from absl import flags

from research import messages
from research.errors import UserError, close, nearest

# The settings of a run by what they are about, in the order in which a reader looks for them.
GROUPS: dict[str, tuple[str, ...]] = {
    "data": (
        "dataset",
        "task",
        "train_size",
        "row_share",
        "bootstrap",
        "column_share",
        "label_noise",
        "scaling",
        "encoding_of_categories",
        "features",
        "drop_feature",
        "select",
        "reduce",
        "target_scaling",
    ),
    # The short names of the options that files have; see research.config.OF_FILES.
    "files": (),
    "model": ("arch", "normalization", "precision", "remat", "init_from", "freeze", "reset"),
    "optimization": (
        "loss",
        "class_weight",
        "objective",
        "optimizer",
        "learning_rate",
        "schedule",
        "epochs",
        "updates_per_epoch",
        "batch_size",
        "reshuffle_each_epoch",
        "remainder",
        "accumulate",
        "loss_mean",
        "seed",
        "init_seed",
        "order_seed",
        "noise_seed",
        "boost",
        "boost_rate",
        "after",
    ),
    "regularization": ("regularization",),
    "evaluation": (
        "split",
        "fold",
        "split_seed",
        "inner_folds",
        "inner_fold",
        "ensemble",
        "metrics",
        "calibrate",
    ),
}
AXES = ("grid", "zip", "sample", "samples", "sample_seed", "seeds")
_ASKED = re.compile(r"--?(?:help|h|\?)(?:=(.*))?$")
# Columns where the output is not a terminal.
_PLAIN = 80
# The most columns, since longer lines are hard to read.
_WIDEST = 110


def asked(argv: Sequence[str]) -> str | None:
    """What help the command line asks for: a topic, "" for the program's own, None for none."""
    for argument in argv[1:]:
        if match := _ASKED.match(argument):
            topic = (match[1] or "").strip()
            return "" if topic in ("true", "1") else topic
    return None


def show(topic: str) -> None:
    """Prints the help of a topic, or of the program where there is none. Raises UserError if there
    is no such topic."""
    terminal = messages.console(sys.stdout)
    width = min(terminal.width, _WIDEST) if terminal else _PLAIN
    lines = _topic(topic) if topic else _program()
    pieces = (piece for line in lines for piece in _wrapped(line, width))
    messages.show("\n".join(pieces), {r"^\S.*": "bold", r"^ +--[\w.]+": "cyan"})


def _wrapped(line: str, width: int) -> list[str]:
    """The line in pieces of at most `width` characters, each with its indentation; commands stay
    whole."""
    indent = " " * (len(line) - len(line.lstrip()))
    if line.lstrip().startswith("python -m"):
        return [line]
    # A name with its description: further lines are indented more.
    if re.match(r" +\S+  \S", line):
        indent += "    "
    return textwrap.wrap(line, width, subsequent_indent=indent, break_on_hyphens=False) or [""]


def _groups() -> dict[str, tuple[str, ...]]:
    """The settings of a run by group."""
    from research.config import OF_FILES

    return GROUPS | {"files": tuple(OF_FILES)}


def _program() -> Iterator[str]:
    """The running program: what it does, examples, and its flags in groups."""
    document = (sys.modules["__main__"].__doc__ or "").strip()
    summary, gap, examples = document.partition("\n\n")
    yield " ".join(summary.split())
    yield from (gap + examples).splitlines()[1:]
    runs = "learning_rate" in flags.FLAGS
    for group, names in _grouped().items():
        yield ""
        yield f"{group}:"
        for name in names:
            yield from _flag(name)
    yield ""
    if runs:
        yield (
            "--help=TOPIC says more:"
            f" {', '.join((*GROUPS, 'execution, arch.resnet, optimizer.adam, dropout'))}."
        )
    yield "--helpfull prints every flag, those of the libraries too."


def _grouped() -> dict[str, list[str]]:
    """The names of the program's flags by group, without the hundreds of nested options."""
    groups: dict[str, list[str]] = {}
    if "learning_rate" in flags.FLAGS:
        groups |= {
            group: [name for name in names if name in flags.FLAGS]
            for group, names in _groups().items()
        }
    if "grid" in flags.FLAGS:
        groups["axes"] = [name for name in AXES if name in flags.FLAGS]
    grouped = {name for names in groups.values() for name in names}
    rest = sorted(name for name in program_flags() if name not in grouped and "." not in name)
    # A program with many flags defines them in a file of its name.
    modules = (sys.argv[0], f"launch.cli.{Path(sys.argv[0]).stem}_flags")
    program = [name for name in rest if flags.FLAGS.find_module_defining_flag(name) in modules]
    if program:
        groups["this program"] = program
    groups["execution"] = [name for name in rest if name not in program]
    return {group: names for group, names in groups.items() if names}


def program_flags() -> list[str]:
    """The names of the flags that this package defines, without those of the libraries."""
    libraries = ("absl", "jax", "orbax", "tensorflow", "etils", "chex")
    return [
        flag.name
        for module, defined in flags.FLAGS.flags_by_module_dict().items()
        for flag in defined
        if not module.startswith(libraries)
    ]


def _flag(name: str) -> Iterator[str]:
    """A flag: its form, then what it does and its default."""
    flag = flags.FLAGS[name]
    # absl writes an enumeration's values here.
    text = re.sub(r"^<[^>]*>: ", "", flag.help)
    text = re.sub(r";\s+repeat this option .*", "; may be given several times", text)
    default = "" if flag.default in (None, [], "", False) else f" (default {flag.default})"
    yield f"  --{name}{_form(flag)}"
    yield f"      {text}{default}"


def _form(flag: Any) -> str:
    """How the flag's value is written: `=INTEGER`, `=last|best|all`, nothing for a switch."""
    from research.config import OPTIONS, PARTS

    if flag.name in PARTS:
        return "=LIST" if flag.name == "regularization" else "=NAME"
    if flag.name in OPTIONS:
        return f"={_type(OPTIONS[flag.name])}"
    if flag.boolean:
        return ""
    choices = getattr(flag.parser, "enum_values", None)
    names = {"int": "INTEGER", "float": "NUMBER"}
    return f"={'|'.join(choices) if choices else names.get(flag.flag_type(), 'TEXT')}"


def _type(option: Any) -> str:
    if option.choices:
        return "|".join(option.choices)
    names = {bool: "true|false", int: "INTEGER", float: "NUMBER", str: "TEXT"}
    return names.get(option.type, "LIST" if "tuple" in str(option.type) else "TEXT")


def _topic(topic: str) -> Iterator[str]:
    """The help of a group, a setting, a registry's entry, or an entry's option."""
    from launch.cli.entry_lines import entry_lines
    from research.config import PARTS

    head, _, tail = topic.lstrip("-").partition(".")
    groups = _groups() | _grouped()
    if head in groups:
        yield f"{head}:"
        for name in groups[head]:
            yield from _flag_with_entries(name)
        return
    if head in PARTS and tail:
        yield from entry_lines(PARTS[head].get(tail.partition(".")[0]))
        return
    if head in flags.FLAGS and not tail:
        yield from _flag_with_entries(head)
        return
    entries = [entry for registry in PARTS.values() for entry in registry if entry.name == head]
    if not entries:
        names = {entry.name for registry in PARTS.values() for entry in registry}
        near = close(topic, {*groups, *flags.FLAGS, *names})
        raise UserError(
            f"--help={topic}: there is no such group, flag or entry;"
            f" {nearest(topic, near or groups)}"
        )
    for entry in entries:
        yield from entry_lines(entry)


def _flag_with_entries(name: str) -> Iterator[str]:
    from research.config import PARTS

    yield from _flag(name)
    if name in PARTS:
        registry = PARTS[name]
        for entry in (*registry, *registry.examples()):
            yield f"        {entry.name}  {entry.summary}"
        yield f"      --help={name}.{next(iter(registry)).name} prints an entry's options."
