"""The script that completes command lines: tables of words, and a function that picks among
them."""

import importlib
import json
import os

from absl import flags

import research.catalogue  # noqa: F401  (fills the registries; the forks below share it)
from launch.cli.help import program_flags
from launch.cli.programs import programs
from research.config import OPTIONS, PARTS
from research.sweeps.declare.catalogue_lists import LISTS

SHELLS = ("bash", "zsh")
_FUNCTION = r"""
_launch() {
  if [ -n "$ZSH_VERSION" ]; then emulate -L ksh; setopt BASH_REMATCH; fi
  # The text before the cursor, since bash splits words at "=" and zsh does not.
  local line="${COMP_LINE:0:$COMP_POINT}" program="" words="" prefix="" current word
  current="${line##*[[:space:]]}"
  COMPREPLY=()
  if [[ "$line" =~ -m[[:space:]]+launch\.([a-z]+)[[:space:]] ]]; then
    program="${BASH_REMATCH[1]}"
  elif [[ "$line" =~ -m[[:space:]]+[^[:space:]]*$ ]]; then
    words="$_launch_programs"
  fi
  if [[ -n "$program" ]]; then
    case "$current" in
      --*=*)
        words="$(_launch_values "$(echo "${current%%=*}" | cut -c3-)")"
        if [ -n "$ZSH_VERSION" ]; then prefix="${current%%=*}="; fi
        current="${current#*=}"
        case "$current" in *,*) prefix="$prefix${current%,*},"; current="${current##*,}" ;; esac ;;
      -*) words="$(_launch_flags "$program")"
        if [ -z "$ZSH_VERSION" ]; then compopt -o nospace 2> /dev/null; fi ;;
      *) words="$(_launch_words "$program")" ;;
    esac
  fi
  for word in $words; do
    case "$word" in "$current"*) COMPREPLY+=("$prefix$word") ;; esac
  done
}
if [ -n "$ZSH_VERSION" ]; then
  complete -o nospace -F _launch python python3
else
  complete -o default -o bashdefault -F _launch python python3
fi
"""


def script(shell: str) -> str:
    """The script for bash or zsh."""
    compatible = "autoload -U +X compinit bashcompinit && compinit && bashcompinit\n"
    return (compatible if shell == "zsh" else "") + f"{_tables()}\n{_FUNCTION}"


def _tables() -> str:
    """Shell variables and functions that hold the words of each program and flag."""
    names = programs()
    lines = [f'_launch_programs="{" ".join(f"launch.{name}" for name in names)}"']
    lines += _case("_launch_flags", {name: _flags_of(name) for name in names})
    lines += _case(
        "_launch_words", {"list": _listed(), "benchmark": _benchmarks(), "completion": list(SHELLS)}
    )
    lines += _case("_launch_values", _values())
    return "\n".join(lines)


def _case(function: str, words: dict[str, list[str]]) -> list[str]:
    """A shell function that prints the words of its first argument."""
    cases = [
        f'    {name}) echo "{" ".join(values)}" ;;' for name, values in words.items() if values
    ]
    return [f"{function}() {{", '  case "$1" in', *cases, "  esac", "}"]


def _values() -> dict[str, list[str]]:
    """The values that a flag of a run can take, where they can be listed."""
    values: dict[str, list[str]] = {}
    for name, registry in PARTS.items():
        values[name] = sorted(
            {
                *registry.names(),
                *(entry.name.partition(":")[0] + ":" for entry in registry.examples()),
            }
        )
        for entry in registry:
            for option in entry.options:
                if option.choices:
                    path = f"{name}.{option.name}"
                    values[path] = sorted({*values.get(path, []), *option.choices})
    for name, option in OPTIONS.items():
        if option.choices:
            values[name] = list(option.choices)
        elif option.type is bool:
            values[name] = ["true", "false"]
    return values


def _listed() -> list[str]:
    return [*LISTS, *sorted({entry.name for registry in PARTS.values() for entry in registry})]


def _benchmarks() -> list[str]:
    from launch.benchmark import BENCHMARKS

    return list(BENCHMARKS)


def _flags_of(program: str) -> list[str]:
    """A program's flags as `--name=`, or `--name` of a switch.

    absl allows a name once per process, and programs share names: each is asked in a fork.
    """
    # A fork rather than a new process: it shares the registries that are imported already, so that
    # the whole script takes one import of JAX instead of one per program.
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        module = importlib.import_module(f"launch.{program}")
        if hasattr(module, "more_flags"):
            module.more_flags([])
        words = [
            f"--{name}" if flags.FLAGS[name].boolean else f"--{name}=" for name in program_flags()
        ]
        with os.fdopen(write, "w") as pipe:
            json.dump(sorted(words), pipe)
        # _exit: the child must run none of the parent's exit handlers, nor flush its output again.
        os._exit(0)
    # Closed here, or reading below would wait for an end that never comes.
    os.close(write)
    with os.fdopen(read) as pipe:
        words = json.load(pipe)
    os.waitpid(child, 0)
    return words
