"""Where a table goes: to the terminal or a file, in one of the formats."""

from pathlib import Path

from absl import flags

from launch.start import define_file
from research.analysis.render import FORMATS, Tabular, render
from research.sweeps.files import write_atomically

FORMAT = flags.DEFINE_enum("format", "md", sorted(FORMATS), "how the table is written")
OUT = define_file("out", None, "write the table to this file; none: print it")


def put(table: Tabular) -> None:
    """Prints the table in its --format, or writes it to --out."""
    put_text(render(table, FORMAT.value))


def put_text(text: str) -> None:
    """Prints a text, or writes it to --out and says so."""
    if OUT.value is None:
        print(text.rstrip("\n"))
        return
    write_atomically(Path(OUT.value), text)
    print(f"wrote {OUT.value}")
