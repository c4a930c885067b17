"""Odd new texts and folders of images for launch.evaluate: other line ends, layouts and colours."""

from collections.abc import Callable
from pathlib import Path

from PIL import Image

from tests.launch.odd_inputs.case import Case, train_once

TRAIN = "--epochs=1 --batch_size=4 --keep_params --name=mine"
TEXT = "to be or not to be, that is the question\n"


def _text(name: str, content: bytes, *says: str) -> Case:
    def write(folder: Path) -> None:
        (folder / "t.txt").write_text(TEXT * 3)
        command = "train --dataset=text:t.txt --context=4 --arch=gru --arch.hidden=2"
        train_once(folder, f"{command} {TRAIN}")
        (folder / "new.txt").write_bytes(content)

    return Case(f"a new text {name}", write, "evaluate --run=mine --split=text:new.txt", 2, says)


def _image(file: Path, number: int, mode: str = "L") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (3, 3), number if mode == "L" else (number, 0, 90)).save(file)


def _images(
    name: str, write_new: Callable[[Path], None], *says: str, code: int = 0, flags: str = ""
) -> Case:
    def write(folder: Path) -> None:
        for number in range(16):
            _image(folder / "pets" / ("cat", "dog")[number % 2] / f"{number}.png", 15 * number)
        train_once(folder, f"train --dataset=folder:pets --arch=linear {TRAIN}")
        write_new(folder / "new")

    command = f"evaluate --run=mine --split=folder:new {flags}"
    return Case(f"new images {name}", write, command, code, says)


def _in_classes(mode: str = "L") -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        for number, label in enumerate(("cat", "dog")):
            _image(folder / label / "0.png", 60 * number, mode)

    return write


def _beside(folder: Path) -> None:
    _in_classes()(folder)
    _image(folder / "loose.png", 3)


def _parts(*names: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        for name in names:
            _in_classes()(folder / name)

    return write


CASES: list[Case] = [
    _text("with Windows's line ends", b"to be\r\nor not\r\n", "line 1 ends with a carriage return"),
    _text(
        "in another encoding",
        "to be\nor caf\xe9".encode("latin-1"),
        "new.txt, row 2 is not in UTF-8 (byte 0xe9); as cp1252 it reads 'or café': save the file",
    ),
    _text("in UTF-16", TEXT.encode("utf-16"), "new.txt is in UTF-16; save it in UTF-8"),
    _text("that is packed", b"\x1f\x8b\x08\x00", "new.txt is packed; unpack it"),
    _text("of one letter", b"t", "new.txt has 1 character, too few for a window of 4"),
    _images(
        "in colour, after training on grey ones",
        _in_classes("RGB"),
        "2 of its 2 images have colours, and are read as grey",
    ),
    _images(
        "beside the folders of classes",
        _beside,
        "1 image beside the folders of classes is not read (it is loose.png)",
    ),
    _images(
        "in training and test",
        _parts("train", "test"),
        "new has the parts test, train of a set; give the one to evaluate, such as folder:new/test",
        code=2,
    ),
    _images("in a test part alone", _parts("test"), "such as folder:new/test", code=2),
    _images(
        "without folders of classes",
        lambda folder: _image(folder / "0.png", 9),
        "has no folders of classes, so there are no metrics; --out=DIR writes the predictions",
        code=2,
    ),
    _images(
        "without folders of classes, predicted",
        lambda folder: _image(folder / "0.png", 9),
        "has no folders of classes, so only predictions are written",
        "wrote out/predictions.csv",
        flags="--out=out",
    ),
]
