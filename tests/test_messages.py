"""Messages: coloured and wrapped on a terminal, plain and whole elsewhere."""

import contextlib
import os
import pty
from collections.abc import Callable

import pytest

from research import messages

LONG = "note: " + "some words that are wider than the terminal is, so they are wrapped, " * 2


def on_terminal(write: Callable[[], None]) -> str:
    """What a terminal of 60 columns is sent."""
    reader, writer = pty.openpty()
    with (
        os.fdopen(writer, "w") as stream,
        contextlib.redirect_stdout(stream),
        contextlib.redirect_stderr(stream),
    ):
        write()
        sent = os.read(reader, 10_000).decode()
    os.close(reader)
    return sent


@pytest.fixture(autouse=True)
def terminal_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "60")


def test_a_terminal_gets_colour() -> None:
    sent = on_terminal(lambda: messages.say("error: there is no such run"))
    assert sent == "\x1b[1;31merror\x1b[0m: there is no such run\r\n"


def test_no_color_leaves_colours_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert on_terminal(lambda: messages.warn("it is slow")) == "warning: it is slow\r\n"


def test_a_message_is_wrapped_at_the_width_of_the_terminal() -> None:
    lines = (
        on_terminal(lambda: messages.say(LONG)).replace("\x1b[36mnote\x1b[0m", "note").split("\r\n")
    )
    assert len(lines) > 3
    assert max(map(len, lines)) <= 60
    assert " ".join(line.strip() for line in lines).split() == LONG.split()


def test_lines_of_a_table_are_not_wrapped() -> None:
    assert on_terminal(lambda: messages.show("x" * 100)) == "x" * 100 + "\r\n"


def test_a_file_gets_plain_text(capsys: pytest.CaptureFixture[str]) -> None:
    messages.say(LONG)
    messages.warn("two\nlines")
    messages.show("failed: a run")
    written = capsys.readouterr()
    assert written.err == f"{LONG}\nwarning: two\\nlines\n"
    assert written.out == "failed: a run\n"
