"""How every program starts and ends: flags read, JAX prepared, the user's errors as one line."""

import contextlib
import gc
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
from research import characters, runtime, signals
from research.errors import Stopped, UserError, blamed, close
from research.signals import EXIT_STOPPED
from research.sweeps.records.record import Record

EXIT_USER = 2
EXIT_DIVERGED = 3  # the run that was asked for diverged; it has its record
EXIT_FAILED = 4  # some runs of a sweep or an experiment failed; the table says why


def define_name(name: str, default: str | None, text: str) -> flags.FlagHolder[Any]:
    """A flag for a directory, a file or a name: it can be left out, but not be empty."""
    holder: flags.FlagHolder[Any] = flags.DEFINE_string(name, default, text)
    flags.register_validator(
        name,
        lambda value: value is None or bool(value.strip()),
        "it is empty; give a name, or leave it out",
    )
    return holder


def define_directory(name: str, default: str | None, text: str) -> flags.FlagHolder[Any]:
    """A flag for a directory, which is made if it is not there."""
    holder = define_name(name, default, text)
    flags.register_validator(
        name,
        lambda value: value is None or not Path(value).is_file(),
        "it is a file; name a directory",
    )
    return holder


def define_output(name: str, text: str) -> flags.FlagHolder[Any]:
    """A flag for a directory that results are written into; that they can be is seen before there
    are any."""
    holder = define_directory(name, None, text)
    flags.register_validator(name, lambda value: value is None or _takes_files(Path(value)))
    return holder


def define_file(name: str, default: str | None, text: str) -> flags.FlagHolder[Any]:
    """A flag for a file to be written; that it can be is seen before there is anything to write."""
    holder = define_name(name, default, text)
    flags.register_validator(
        name,
        lambda value: value is None or not Path(value).is_dir(),
        "it is a directory; name a file in it",
    )
    flags.register_validator(name, lambda value: value is None or _takes_files(Path(value).parent))
    return holder


def _takes_files(directory: Path) -> bool:
    """Makes the directory. Raises flags.ValidationError if that cannot be, or nothing can be
    written into it."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise flags.ValidationError(f"{error.filename} cannot be made: {error.strerror}") from None
    if not os.access(directory, os.W_OK):
        raise flags.ValidationError(f"nothing can be written into {directory}")
    return True


CACHE_DIR = define_directory(
    "cache_dir",
    ".cache",
    "directory of decoded data, and of compiled programs unless JAX_COMPILATION_CACHE_DIR is set",
)
RECORDS = define_directory("records", "records", "directory of the records")
PLUGIN = flags.DEFINE_multi_string("plugin", [], "a Python file that registers parts of your own")


def run(
    main: Callable[[Sequence[str]], None],
    more_flags: Callable[[Sequence[str]], None] = lambda argv: None,
    saves: bool = True,
) -> None:
    """Runs a program: `main(positional arguments)`.

    more_flags: may define flags that depend on the command line. saves: it has something to save
        where it is stopped.
    """

    def parse(argv: Sequence[str]) -> list[str]:
        try:
            _refuse_bytes(argv)
            _load_plugins(argv)
            more_flags(argv)
            if (topic := help.asked(argv)) is not None:
                help.show(topic)
                sys.exit(0)
            for name in flags.FLAGS:
                flags.FLAGS[
                    name
                ].allow_overwrite = False  # given twice, one of the two would be ignored
            return flags.FLAGS(list(argv))
        except SystemExit:  # help was asked for and given, which absl takes for a failure
            sys.exit(0)
        except flags.UnrecognizedFlagError as error:
            _end(f"unknown flag --{error.flagname}; {_meant(error.flagname, argv)}", EXIT_USER)
        except (flags.Error, UserError) as error:
            _end(_one_line(str(error)), EXIT_USER)

    def guarded(argv: Sequence[str]) -> None:
        logging.set_verbosity(logging.WARNING)
        sys.unraisablehook = _unraisable
        try:
            if saves:
                signals.interrupt()
            # Imported modules stay; searching them for cycles again and again costs time.
            gc.freeze()
            if (
                "jax" in sys.modules
            ):  # programs that only look at files do without it, and begin at once
                runtime.prepare(CACHE_DIR.value, RECORDS.value)
                distributed.join()
            with contextlib.nullcontext() if saves else signals.ending():
                main(argv[1:])
        except UserError as error:
            _end(str(error), EXIT_USER)
        except BrokenPipeError:
            _unless_read()
        except OSError as error:
            if error.filename is None:
                raise
            _end(f"cannot use {error.filename}: {error.strerror}", EXIT_USER)
        except Stopped as stopped:
            _end(
                f"stopped by {stopped}; what was done is kept, and the same command goes on from"
                " there",
                EXIT_STOPPED,
            )
        except KeyboardInterrupt:
            _end("stopped; what was done is kept", EXIT_STOPPED)
        except Exception as error:
            if not (said := blamed(error, PLUGIN.value)):
                raise
            _end(f"--plugin={said}", EXIT_USER)

    characters.adapt(sys.stdout, sys.stderr)
    app.run(guarded, flags_parser=parse)


def _refuse_bytes(argv: Sequence[str]) -> None:
    """Raises UserError for an argument that no file of text, record or path could hold."""
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
        return "--report_seeds=N has the choice reported on N fresh seeds"
    if name in ELSEWHERE:
        return f"it is a flag of {ELSEWHERE[name]}"
    given = dict(argument.lstrip("-").split("=", 1) for argument in argv[1:] if "=" in argument)
    if "learning_rate" in flags.FLAGS:
        from launch.cli.flag_meanings import meant

        instead = meant(name, given.get(name), given, help.program_flags())
    else:
        instead = " or ".join(f"--{flag}" for flag in close(name, help.program_flags()))
    return f"did you mean {instead}?" if instead else "--help lists what there is"


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
    """Ends quietly what nobody reads any more; raises again a pipe that broke elsewhere."""
    out = select.poll()
    out.register(sys.stdout.fileno(), 0)
    if not any(event & select.POLLERR for _, event in out.poll(0)):
        raise
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115  (what is still in the buffer goes nowhere, without an error)


def _unraisable(said: Any) -> None:
    """What cannot be raised, but for reads that orbax gives up once one has failed: that one is
    told of already."""
    if str(said.exc_value) != "Event loop is closed":
        sys.__unraisablehook__(said)


def _one_line(text: str) -> str:
    """absl's message of a flag, whose numbers are read by Python."""
    text = re.sub(
        r"invalid literal for int\(\) with base 10: (.*)", r"expected a whole number, not \1", text
    )
    return " ".join(line.strip() for line in text.splitlines() if line.strip())


def end_with_failures(records: Iterable[Record]) -> None:
    """Exits with EXIT_FAILED if one of the records is of a failed run, once all is printed."""
    if any(record.status == "failed" for record in records):
        sys.exit(EXIT_FAILED)


def _end(message: str, code: int) -> NoReturn:
    message = characters.one_line(f"error: {message}" if code == EXIT_USER else message)
    print(message, file=sys.stderr, flush=True)
    sys.exit(code)
