"""How every program starts and ends: flags read, JAX prepared, the user's errors as one line."""

import contextlib
import functools
import gc
import itertools
import os
import re
import select
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from absl import app, flags, logging

from launch.cli import distributed, help
from launch.cli.programs import ELSEWHERE
from research import characters, messages, runtime, signals
from research.errors import Stopped, UserError, blamed
from research.signals import EXIT_STOPPED
from research.sweeps.records.record import Record

# Scripts tell outcomes apart by these codes. After EXIT_STOPPED the same command may be tried
# again; after these it would end the same way.
EXIT_USER = 2
# The run diverged; it has its record.
EXIT_DIVERGED = 3
# Some runs of a sweep or an experiment failed; the table says why.
EXIT_FAILED = 4


def define_name(name: str, default: str | None, text: str) -> flags.FlagHolder[Any]:
    """A flag for a directory, a file or a name: it can be left out, but not be empty.

    Args:
        name: the flag's name.
        default: its default; None: it is left out.
        text: its help.
    """
    holder: flags.FlagHolder[Any] = flags.DEFINE_string(name, default, text)
    flags.register_validator(
        name,
        lambda value: value is None or bool(value.strip()),
        "it is empty; give a name, or leave it out",
    )
    return holder


def define_directory(name: str, default: str | None, text: str) -> flags.FlagHolder[Any]:
    """A flag for a directory, which is created if it does not exist.

    Args:
        name: the flag's name.
        default: its default; None: it is left out.
        text: its help.
    """
    holder = define_name(name, default, text)
    flags.register_validator(
        name,
        # Unlike Path, os.path takes a name that is too long for one that is not there.
        lambda value: value is None or not os.path.isfile(value),
        "it is a file; name a directory",
    )
    return holder


def define_output(name: str, text: str) -> flags.FlagHolder[Any]:
    """A flag for a directory that results are written into."""
    # Checked while the flags are read: a typing mistake should not cost the hours of training that
    # come before the first file is written.
    holder = define_directory(name, None, text)
    flags.register_validator(name, lambda value: value is None or _takes_files(Path(value)))
    return holder


def define_file(name: str, default: str | None, text: str) -> flags.FlagHolder[Any]:
    """A flag for a file to be written, which is checked before anything is trained.

    Args:
        name: the flag's name.
        default: its default; None: it is left out.
        text: its help.
    """
    holder = define_name(name, default, text)
    flags.register_validator(
        name,
        lambda value: value is None or not os.path.isdir(value),
        "it is a directory; name a file in it",
    )
    flags.register_validator(name, lambda value: value is None or _takes_files(Path(value).parent))
    return holder


def _takes_files(directory: Path) -> bool:
    """Whether files can be written into the directory, which is created if it is missing.

    Raises:
        flags.ValidationError: if it cannot be created or written.
    """
    # Created rather than only checked: whether a path can be made is known for certain only by
    # making it.
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise flags.ValidationError(
            f"{error.filename} cannot be created: {error.strerror}"
        ) from None
    if not os.access(directory, os.W_OK):
        raise flags.ValidationError(f"nothing can be written into {directory}")
    return True


CACHE_DIR = define_directory(
    "cache_dir",
    ".cache",
    "directory of decoded data, and of compiled programs unless JAX_COMPILATION_CACHE_DIR is set",
)
RECORDS = define_directory("records", "records", "directory of the records")
PLUGIN = flags.DEFINE_multi_string(
    "plugin", [], "a Python file that registers architectures, regularizers, … of your own"
)
# From here on absl counts a flag to the module that calls the functions above, not to this one, so
# that --help lists it with its program.
flags.disclaim_key_flags()


def run(
    main: Callable[..., None],
    more_flags: Callable[[Sequence[str]], None] = lambda argv: None,
    saves: bool = True,
    words: bool = False,
) -> None:
    """Runs a program: `main()`, or `main(words)`.

    Args:
        main: the program.
        more_flags: may define flags that depend on the command line.
        saves: it has something to save when it is stopped.
        words: it takes words beside its flags; otherwise they are refused.
    """
    characters.adapt(sys.stdout, sys.stderr)
    app.run(
        functools.partial(_guarded, main, saves, words),
        flags_parser=functools.partial(_parsed, more_flags),
    )


def _parsed(more_flags: Callable[[Sequence[str]], None], argv: Sequence[str]) -> list[str]:
    """Reads the flags, or prints the help that is asked for; returns the other arguments."""
    try:
        # In this order: plugins add entries, and entries become flags.
        _refuse_bytes(argv)
        _load_plugins(argv)
        more_flags(argv)
        if (topic := help.asked(argv)) is not None:
            help.show(topic)
            sys.exit(0)
        for name in flags.FLAGS:
            # absl silently takes the last value of a flag that is given twice; here it is an error.
            flags.FLAGS[name].allow_overwrite = False
        return flags.FLAGS(list(argv))
    except BrokenPipeError:
        _unless_read()
        sys.exit(0)
    # absl exits with 1 after printing help, which is no failure.
    except SystemExit:
        sys.exit(0)
    except flags.UnrecognizedFlagError as error:
        _end(f"unknown flag --{error.flagname}; {_meant(error.flagname, argv)}", EXIT_USER)
    except (flags.Error, UserError) as error:
        _end(_one_line(str(error)), EXIT_USER)


def _guarded(main: Callable[..., None], saves: bool, words: bool, argv: Sequence[str]) -> None:
    """Runs the program; an error of the user, or a signal, ends it with one line."""
    logging.set_verbosity(logging.WARNING)
    sys.unraisablehook = _unraisable
    try:
        # Until now a signal ended the process at once. From here on there may be something to save,
        # so it raises KeyboardInterrupt.
        if saves:
            signals.interrupt()
        # Imported modules stay alive to the end. Frozen, they are skipped by the collector, which
        # would otherwise search them for cycles again and again.
        gc.freeze()
        # Programs that only read files do not import JAX, and so start at once.
        if "jax" in sys.modules:
            runtime.prepare(CACHE_DIR.value, RECORDS.value)
            distributed.join()
        if len(argv) > 1 and not words:
            raise UserError(f"'{argv[1]}' is not a flag; {_as_flag(argv[1], argv)}")
        # A program that has nothing to save ends at once, even while XLA compiles: a
        # KeyboardInterrupt would wait for the compiler.
        with contextlib.nullcontext() if saves else signals.ending():
            main(*([argv[1:]] if words else []))
    except BrokenPipeError:
        _unless_read()
    except (Exception, KeyboardInterrupt) as error:
        message, code = _last_line(error)
        if not message:
            raise
        _end(message, code)


def _last_line(error: BaseException) -> tuple[str, int]:
    """What a program that an error ends says, and its exit code; "" for an error of ours."""
    if isinstance(error, UserError):
        return str(error), EXIT_USER
    if isinstance(error, Stopped):
        done = "finished work is kept, and the same command continues from there"
        return f"stopped by {error}; {done}", EXIT_STOPPED
    if isinstance(error, KeyboardInterrupt):
        return "stopped; finished work is kept", EXIT_STOPPED
    if isinstance(error, OSError) and error.filename is not None:
        return f"cannot use {error.filename}: {error.strerror}", EXIT_USER
    # An exception from a plugin's code is its author's to mend, so it gets one line as well. Any
    # other exception is a bug here, and keeps its traceback.
    where = blamed(error, PLUGIN.value)
    return (f"--plugin={where}" if where else ""), EXIT_USER


def _as_flag(word: str, argv: Sequence[str]) -> str:
    """How a word such as `epochs=5` or `-epochs` is written as a flag."""
    if "=" not in word:
        return "flags are written --name=value"
    name = word.partition("=")[0]
    return f"write --{word}" if name in flags.FLAGS else _meant(name, [argv[0], f"--{word}"])


def _refuse_bytes(argv: Sequence[str]) -> None:
    """Raises UserError for an argument that no file of text, record or path could hold."""
    # Python decodes such bytes to lone surrogates, which fail only later, when they are written.
    for argument in argv:
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise UserError(
                f"{argument!a} is not UTF-8; rename the file, or link to it by a name that is"
            ) from None
        if "\0" in argument:
            raise UserError(f"{argument!a} has a NUL character; leave it out")


def _meant(name: str, argv: Sequence[str]) -> str:
    """What to write in place of an unknown flag."""
    if name == "seeds" and "report_seeds" in flags.FLAGS:
        return "--report_seeds=N reports the choice on N fresh seeds"
    if name in ELSEWHERE:
        return f"it is a flag of {ELSEWHERE[name]}"
    given = dict(argument.lstrip("-").split("=", 1) for argument in argv[1:] if "=" in argument)
    # A value behind a blank, as in `--lr 0.1`.
    for flag, value in itertools.pairwise(argv[1:]):
        if flag.lstrip("-") == name and not value.startswith("-"):
            given.setdefault(name, value)
    # Here, since most command lines are right, and some programs do without the registries.
    from launch.cli.flag_meanings import meant, otherwise

    instead = meant(name, given.get(name), given, help.program_flags())
    if "dataset" in flags.FLAGS and (other := otherwise(name)):
        return other
    return f"did you mean {instead}?" if instead else "--help lists the flags"


# What each plugin has added to the catalogue: its file, the registry, the entry.
ADDED: list[Any] = []


def _load_plugins(argv: Sequence[str]) -> None:
    """Loads the plugins, before flags are made of the catalogue. Raises UserError."""
    for place, argument in enumerate(argv):
        name, given, path = argument.lstrip("-").partition("=")
        if name != "plugin" or not argument.startswith("-"):
            continue
        if not given:
            path = argv[place + 1] if place + 1 < len(argv) else ""
        import research.catalogue  # noqa: F401  (what is there must be known before more is added)
        from research.plugin.file import load

        ADDED.extend((path, *added) for added in load(path))


def _unless_read() -> None:
    """Ends quietly if nobody reads stdout any more, as in `| head`; else raises the error again."""
    # poll tells this pipe from others: a broken pipe to a worker process is a real error.
    out = select.poll()
    out.register(sys.stdout.fileno(), 0)
    if not any(event & select.POLLERR for _, event in out.poll(0)):
        raise
    # Python flushes stdout when it exits; on the broken pipe that would raise once more.
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115  (open until the process ends)


def _unraisable(event: Any) -> None:
    """Reports an error that cannot be raised.

    After a failed read orbax cancels its other reads, and each of them lands here. The first error
    has already been reported.
    """
    if str(event.exc_value) != "Event loop is closed":
        sys.__unraisablehook__(event)


def _one_line(text: str) -> str:
    """absl's message of a flag, whose numbers are read by Python."""
    text = re.sub(
        r"invalid literal for int\(\) with base 10: (.*)", r"expected a whole number, not \1", text
    )
    text = re.sub(
        r"flag --(\w+)=(.*): \('Non-boolean argument to boolean flag', .*\)",
        r"--\1=\2: it takes no value; write --\1 or --no\1",
        text,
    )
    text = re.sub(r"Missing value for flag --(\S+)", r"--\1 needs a value: --\1=VALUE", text)
    return " ".join(line.strip() for line in text.splitlines() if line.strip())


def end_with_failures(records: Iterable[Record]) -> None:
    """Exits with EXIT_FAILED if a run failed; call it after everything is printed."""
    if any(record.status == "failed" for record in records):
        sys.exit(EXIT_FAILED)


def _end(message: str, code: int) -> NoReturn:
    messages.say(f"error: {message}" if code == EXIT_USER else message)
    sys.exit(code)
