"""Odd letters: names in UTF-8 that a program took for another encoding, and names that lost letters."""

from collections.abc import Callable
from pathlib import Path

from PIL import Image

from tests.launch.odd_inputs.case import Case

ROWS = range(40)
PLAN = "plan --dataset=csv:t.csv --arch=linear --batch_size=8 --target=y"
TOWNS = ("Zürich", "Genève", "Bern")


def _garbled(text: str, encoding: str = "cp1252") -> str:
    return text.encode().decode(encoding)


def _table(town: Callable[[int], str], header: str = "a,town,y", label: str = "v") -> str:
    rows = [f"{row / 7},{town(row % 3)},{['u', label][row % 2]}" for row in ROWS]
    return "\n".join([header, *rows]) + "\n"


def _file(text: str, name: str = "t.csv") -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(text, "utf-8")


def _images(*train: str, test: tuple[str, ...]) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        for number in range(24):
            part, labels = ("test", test) if number % 3 == 2 else ("train", train)
            file = folder / "pets" / part / labels[number % len(labels)] / f"{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (2, 2), 10 * number).save(file)

    return write


CASES: list[Case] = [
    Case(
        "categories in UTF-8 that was taken for Windows's letters",
        _file(_table(lambda row: _garbled(TOWNS[row]))),
        PLAN,
        says=(
            "column 'town': 'GenÃ¨ve' is probably 'Genève' (and 1 more like it), garbled",
            "correct it at its source",
        ),
    ),
    Case(
        "categories that were garbled twice",
        _file(_table(lambda row: _garbled(_garbled(TOWNS[row])))),
        PLAN,
        says=("is probably 'Genève'",),
    ),
    Case(
        "a file in UTF-8 that is said to be in Latin-1",
        _file(_table(TOWNS.__getitem__)),
        f"{PLAN} --encoding=latin-1",
        says=("is probably 'Genève'", "leave --encoding=latin-1 out if the file is in UTF-8"),
    ),
    Case(
        "Cyrillic that was taken for Windows's",
        _file(_table(lambda row: _garbled(["Москва", "Тула", "Омск"][row], "cp1251"))),
        PLAN,
        says=("is probably 'Москва'",),
    ),
    Case(
        "a class in UTF-8 that was taken for an old Mac's",
        _file(_table(TOWNS.__getitem__, label=_garbled("für", "mac_roman"))),
        PLAN,
        says=("column 'y': 'f√ºr' is probably 'für'",),
    ),
    Case(
        "a garbled header",
        _file(_table(TOWNS.__getitem__, _garbled("Größe,town,y"))),
        PLAN,
        says=("the header: 'GrÃ¶ÃŸe' is probably 'Größe'",),
    ),
    Case(
        "HTML's entities in categories",
        _file(_table(["R&amp;D", "Legal", "HR"].__getitem__)),
        PLAN,
        says=("'R&amp;D' is probably 'R&D'",),
    ),
    Case(
        "a header with a replacement character",
        _file(_table(TOWNS.__getitem__, "Gr\ufffdsse,town,y")),
        PLAN,
        says=("the header: 'Gr\ufffdsse' has a replacement character",),
    ),
    Case(
        "a garbled text",
        _file(_garbled("Über den Wolken, so schön\n" * 40), "t.txt"),
        "plan --dataset=text:t.txt --context=8 --arch=gru --batch_size=8",
        says=("its text: 'Ãœber' is probably 'Über' (and 1 more like it)",),
    ),
    Case(
        "a class folder that unzip named in DOS's letters",
        _images("cat", "Z├╝rich", test=("cat", "Z├╝rich")),
        "plan --dataset=folder:pets --arch=linear --batch_size=4",
        says=("its classes: 'Z├╝rich' is probably 'Zürich'",),
    ),
    Case(
        "a class in the test images that is spelled with a capital",
        _images("cat", "dog", test=("Cat", "dog")),
        "plan --dataset=folder:pets --arch=linear --batch_size=4",
        2,
        ("no images of the class 'Cat', which pets/test has; did you mean cat?",),
    ),
    Case(
        "a class that the test images lack",
        _images("cat", "dog", test=("cat",)),
        "plan --dataset=folder:pets --arch=linear --batch_size=4",
        says=("its test images have none of the class 'dog'",),
    ),
]
