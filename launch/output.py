"""Where a table goes: to the terminal or a file, in one of the formats."""

from pathlib import Path

from absl import flags

from research.analysis.render import FORMATS, Tabular, render
from research.sweeps.store import write_atomically

FORMAT = flags.DEFINE_enum("format", "md", sorted(FORMATS), "how the table is written")
OUT = flags.DEFINE_string("out", None, "write the table to this file; none: print it")


def put(table: Tabular, form: str, out: str | None) -> None:
    """Prints the table, or writes it and says where."""
    text = render(table, form)
    if out is None:
        print(text.rstrip("\n"))
        return
    write_atomically(Path(out), text)
    print(f"wrote {out}")
