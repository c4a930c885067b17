"""How every program starts and ends: flags read, JAX prepared, the user's errors as one line."""

import signal
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from absl import app, flags, logging

from launch import distributed
from launch.signals import EXIT_STOPPED
from research import runtime
from research.errors import Stopped, UserError, nearest

CACHE_DIR = flags.DEFINE_string("cache_dir", ".cache", "where compiled programs and decoded data are kept")
RECORDS = flags.DEFINE_string("records", "records", "directory of the records")

EXIT_USER = 2


def run(main: Callable[[Sequence[str]], None], more_flags: Callable[[Sequence[str]], None] = lambda argv: None) -> None:
    """Runs a program: `main(positional arguments)`. more_flags may define flags that depend on the command line."""

    def parse(argv: Sequence[str]) -> list[str]:
        try:
            more_flags(argv)
            return flags.FLAGS(list(argv))
        except flags.UnrecognizedFlagError as error:
            _end(f"unknown flag --{error.flagname}; {nearest(error.flagname, flags.FLAGS)}", EXIT_USER)
        except (flags.Error, UserError) as error:
            _end(_one_line(str(error)), EXIT_USER)

    def guarded(argv: Sequence[str]) -> None:
        logging.set_verbosity(logging.WARNING)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        runtime.prepare(CACHE_DIR.value, RECORDS.value)
        try:
            distributed.join()
            main(argv[1:])
        except UserError as error:
            _end(str(error), EXIT_USER)
        except BrokenPipeError:
            sys.stderr.close()
        except OSError as error:
            if error.filename is None:
                raise
            _end(f"cannot use {error.filename}: {error.strerror}", EXIT_USER)
        except Stopped as stopped:
            _end(f"stopped by {stopped}; what was done is kept, and the same command goes on from there", EXIT_STOPPED)
        except KeyboardInterrupt:
            _end("stopped before training; what was done is kept", EXIT_STOPPED)

    app.run(guarded, flags_parser=parse)


def _one_line(text: str) -> str:
    return " ".join(line.strip() for line in text.splitlines() if line.strip())


def _end(message: str, code: int) -> NoReturn:
    print(f"error: {message}" if code == EXIT_USER else message, file=sys.stderr, flush=True)
    sys.exit(code)
