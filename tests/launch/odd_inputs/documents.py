"""Odd documents: files of other kinds under the name of a csv file, and headers unlike their rows."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

from tests.launch.odd_inputs.case import Case

LINES = [f"{row / 4},{row * 7 % 41},{'uv'[row % 2]}" for row in range(40)]
TABLE = "\n".join(["a,b,y", *LINES]) + "\n"
PLAN = "plan --dataset=csv:t.csv --arch=linear --batch_size=8 --target=y"


def _file(content: str | bytes) -> Callable[[Path], object]:
    data = content if isinstance(content, bytes) else content.encode()
    return lambda folder: (folder / "t.csv").write_bytes(data)


def _refused(name: str, content: str | bytes, *says: str) -> Case:
    return Case(name, _file(content), PLAN, 2, says)


def _tar() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        member = tarfile.TarInfo("t.csv")
        member.size = len(TABLE)
        archive.addfile(member, io.BytesIO(TABLE.encode()))
    return data.getvalue()


CASES: list[Case] = [
    _refused("a tar archive", _tar(), "t.csv is a tar archive; expected a csv file: unpack it"),
    _refused("an array of NumPy", b"\x93NUMPY\x01\0" + bytes(60), "t.csv is a NumPy array"),
    _refused("a pickle", b"\x80\x04\x95" + bytes(60), "t.csv is a pickle"),
    _refused("an image", b"\x89PNG\r\n\x1a\n" + bytes(60), "t.csv is an image"),
    _refused("zstd", b"\x28\xb5\x2f\xfd" + bytes(60), "t.csv is packed by zstd"),
    _refused("ARFF", "% me\n@relation iris\n@attribute a numeric\n@data\n1\n", "is an ARFF file"),
    _refused("LIBSVM", "1 1:0.5 3:2\n0 2:0.1\n", "t.csv is in the format of LIBSVM"),
    _refused("Markdown", "| a | y |\n| --- | --- |\n| 1 | u |\n", "t.csv is a table in Markdown"),
    _refused(
        "a comment after a semicolon", f"; by me\n{TABLE}", "if that is a comment, --comment=;"
    ),
    _refused(
        "a quote after a backslash",
        'a,y\n"x\\"1",u\n',
        "row 2: a quote ends before its cell does",
        'write a quote as two, ""',
    ),
    _refused(
        "names of rows without a name, as R's write.table leaves them",
        "\n".join(["a,b,y", *(f"r{row},{line}" for row, line in enumerate(LINES))]),
        "row 2: 4 cells, but the header has 3 columns ('a,b,y'); is that its header? If each row",
    ),
    Case(
        "commas in a header without quotes, above tabs",
        _file("\n".join(["a, kg\tb, m\ty", *(line.replace(",", "\t") for line in LINES)])),
        PLAN,
        says=("parameters  6",),
    ),
]
