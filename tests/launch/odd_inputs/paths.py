"""Odd data sets by name: paths without `csv:` or `folder:`, and documents in the name of a table."""

from collections.abc import Callable
from pathlib import Path

from tests.launch.odd_inputs.case import Case

TABLE = "a,b,y\n" + "".join(f"{row / 7},{row % 5},{'uv'[row % 2]}\n" for row in range(40))
POINTER = (
    "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22e\n"
    "size 12345\n"
)
PLAN = "plan --dataset=csv:t.csv --target=y"


def _text(text: str, name: str = "t.csv") -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(text)


def _photos(folder: Path) -> None:
    (folder / "photos" / "cat").mkdir(parents=True)


def _nothing(folder: Path) -> None:
    """There is no such file or folder."""


LONG = "x" * 5000
# What takes a path that no file system takes.
TAKING = (
    "train --dataset=iris --records={}",
    "train --dataset=iris --cache_dir={}",
    "train --dataset=iris --plugin={}.py",
    "train --dataset=iris --tensorboard={}",
    "table --name=one --out={}",
    "table --name=one --figures={}",
    "package --run=one --out={}",
    "evaluate --run=one --attention={}.png",
    "evaluate --run=one --split=csv:{}",
    "export --to=csv --out={}",
    "runs --html={}",
    "plan --dataset=folder:{}",
)

CASES: list[Case] = [
    *(
        Case(f"a name that is too long for {line}", _nothing, line.format(LONG), 2)
        for line in TAKING
    ),
    Case(
        "a folder as a data set",
        _photos,
        "plan --dataset=photos/",
        2,
        ("'photos/' is a folder; --dataset=folder:photos/ reads images in a folder per class",),
    ),
    Case(
        "a folder without a slash",
        _photos,
        "plan --dataset=photos",
        2,
        ("--dataset=folder:photos reads",),
    ),
    Case(
        "a file as a data set",
        _text(TABLE, "table.csv"),
        "train --dataset=table.csv --target=y",
        2,
        ("--dataset=csv:table.csv",),
    ),
    Case(
        "a packed file as a data set",
        _text(TABLE, "table.csv.gz"),
        "plan --dataset=./table.csv.gz",
        2,
        ("--dataset=csv:./table.csv.gz",),
    ),
    Case(
        "a text as a data set",
        _text("to be or not", "poem.txt"),
        "plan --dataset=poem.txt",
        2,
        ("--dataset=text:poem.txt",),
    ),
    Case(
        "a file without a suffix",
        _text(TABLE, "table"),
        "plan --dataset=./table",
        2,
        ("'./table' is a file; --dataset=csv:./table or --dataset=text:./table reads it",),
    ),
    Case(
        "a file that is not there",
        _nothing,
        "plan --dataset=table.csv",
        2,
        ("there is no file 'table.csv'; --dataset=csv:FILE",),
    ),
    Case(
        "a folder that is not there",
        _nothing,
        "plan --dataset=photos/",
        2,
        ("there is no folder 'photos/'; --dataset=folder:DIR",),
    ),
    Case(
        "an HTML page",
        _text("<!DOCTYPE html>\n<html><body>Sign in</body></html>\n"),
        PLAN,
        2,
        ("t.csv is an HTML page, as a download without a login",),
    ),
    Case(
        "an HTML page without a type",
        _text("\n  <html>\n"),
        PLAN,
        2,
        ("t.csv is an HTML page",),
    ),
    Case(
        "JSON rows",
        _text('[{"a": 1, "y": "u"},\n {"a": 2, "y": "v"}]\n'),
        PLAN,
        2,
        ("t.csv is JSON",),
    ),
    Case("a JSON object", _text('{"message": "Not found"}\n'), PLAN, 2, ("t.csv is JSON",)),
    Case("XML", _text('<?xml version="1.0"?>\n<Error>\n'), PLAN, 2, ("t.csv is an XML document",)),
    Case("a Git LFS pointer", _text(POINTER), PLAN, 2, ("a Git LFS pointer", "git lfs pull")),
    Case("PDF", _text("%PDF-1.7\n"), PLAN, 2, ("t.csv is a PDF document",)),
    Case(
        "a header in brackets is no JSON",
        _text(TABLE.replace("a,b", "[a],{b}", 1)),
        PLAN + " --arch=linear --batch_size=8",
    ),
]
