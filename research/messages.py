"""Messages for people: colour and the terminal's width where a stream is a terminal, else plain
text."""

import contextlib
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, TextIO

from research.characters import one_line

if TYPE_CHECKING:  # rich takes a tenth of a second, which only a terminal needs
    from rich.console import Console

# How the beginning of a line is shown, by what it matches.
_STYLES = {
    r"^(error|WRONG|failed)(?=:)": "bold red",
    r"^(warning|diverged)(?=:)": "yellow",
    r"^note(?=:)": "cyan",
    r"^ +failed(?=  )": "red",
    r"^ +passed(?=  )": "green",
}


def console(stream: TextIO) -> "Console | None":
    """A rich console that writes to the stream; None where it is no terminal.

    rich leaves colours out where NO_COLOR is set or the terminal has none.
    """
    if not stream.isatty():
        return None
    from rich.console import Console

    return Console(file=stream, highlight=False, markup=False, emoji=False)


def say(message: str) -> None:
    """Writes a message to stderr, as one line, above a progress line if there is one."""
    _write(one_line(message), sys.stderr, _STYLES, wrapped=True)


def warn(message: str) -> None:
    """Writes a warning to stderr."""
    say(f"warning: {message}")


def show(text: str, styles: Mapping[str, str] = _STYLES) -> None:
    """Writes lines to stdout; they are not wrapped, since columns may stand in line.

    styles: rich's style of what a pattern matches.
    """
    _write(text, sys.stdout, styles, wrapped=False)


def _without_bars(stream: TextIO) -> contextlib.AbstractContextManager[None]:
    """Takes progress bars off the terminal while something is written."""
    # Programs that show no bar start without tqdm.
    bars = sys.modules.get("tqdm")
    return bars.tqdm.external_write_mode(file=stream) if bars else contextlib.nullcontext()


def _write(text: str, stream: TextIO, styles: Mapping[str, str], wrapped: bool) -> None:
    with _without_bars(stream):
        terminal = console(stream)
        if terminal is None:
            print(text, file=stream, flush=True)
            return
        from rich.text import Text

        for line in text.split("\n"):
            styled = Text(line)
            for pattern, style in styles.items():
                styled.highlight_regex(pattern, style)
            terminal.print(styled, soft_wrap=not wrapped)
