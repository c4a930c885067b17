"""Fuzzed command lines: whatever stands in them, a program ends in one line and a code that it
documents."""

import random
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.support.command_lines import ROOT, run_all

LINES = 300
TRAINING = "--dataset=iris --arch.hidden=4 --epochs=1 --batch_size=50"
# Command lines that are right, or that lack only what is trained first. `{id}` is a run that there
# is.
SEEDS = (
    f"train {TRAINING} --name=one --keep_params --checkpoint_every=5m --devices=1",
    (
        f"plan {TRAINING} --regularization=dropout=0.5,l2=0.1 --optimizer=adam --optimizer.b1=0.8"
        " --schedule=cosine"
    ),
    "plan --dataset=csv:table.csv --target=y --epochs=1 --arch.hidden=4 --batch_size=4 --split=8:2",
    "plan --dataset=folder:pets --epochs=1 --arch=cnn --batch_size=2 --split=1:1 --dataset.size=3",
    f"sweep {TRAINING} --grid=learning_rate=0.1|0.2 --seeds=2 --name=rates",
    f"plan {TRAINING} --zip='epochs=1|2; learning_rate=0.1|0.2' --seeds=2",
    f"plan {TRAINING} --sample=learning_rate=log(1e-3,1) --samples=2 --sample_seed=1",
    f"tune {TRAINING} --sample=learning_rate=0.1|0.2 --trials=2 --report_seeds=2 --sampler=grid",
    "plan --experiment=regularization",
    "plan --arch=mlp --regularization=batch_norm",
    "table --name=rates --format=csv --no_train",
    "table --name=one --rows=runs --no_train --sort=learning_rate --top=1",
    "evaluate --run={id} --split=test --params=last --out=out",
    "generate --run={id} --prompt=a --length=3 --temperature=0.5",
    "verify --run={id} --steps=1",
    "status --name=rates",
    "list regularizers",
    "list --format=json",
    "check arch=mlp",
    "export --to=bibtex --out=cited.bib",
    "package --run={id} --out=packed",
    "runs --where=learning_rate=0.1 --top=2",
    "runs --tag={id}:good --note={id}:mine",
    "doctor",
    "benchmark packing --images=1",
    "completion bash",
)
VALUES = (
    *(
        "",
        " ",
        "0",
        "-1",
        "1e400",
        "nan",
        "inf",
        "99999999999999999999",
        "0x10",
        "1,2,,3",
        "=",
        "==",
        "|",
        "a|b|",
        "none",
    ),
    *(
        "../..",
        "/dev/null",
        "/nowhere/at/all",
        "~",
        "*",
        "%s",
        "{0}",
        "$HOME",
        "\\",
        "'",
        '"',
        "(",
        "chain(",
        "a(b=1",
    ),
    *(
        "\u00e9\u4e2d\U0001f600",
        "a\0b",
        "\udce9",
        "x" * 5000,
        "true",
        "--",
        "-",
        "csv:",
        "folder:",
        "text:nofile",
        "\n",
        "\t",
    ),
    *(
        "0.1|0.2 if optimizer=sgd",
        "log(1,0)",
        "int(0,1e30)",
        "1:1:1:1",
        "best",
        ":",
        "validation/accuracy",
        "0.1;0.2",
    ),
)


def mutated(draw: random.Random, words: list[str], others: list[str]) -> list[str]:
    """The words of a command line with one thing changed."""
    words = list(words)
    place = draw.randrange(1, len(words)) if len(words) > 1 else 0
    name = words[place].partition("=")[0]
    kind = draw.randrange(8)
    if (
        not place or kind == 0
    ):  # a flag of this or another program, with a value that it may have, or any
        other = draw.choice(others)
        words.append(
            other if draw.random() < 0.5 else f"{other.partition('=')[0]}={draw.choice(VALUES)}"
        )
    elif kind in (1, 2, 3):
        words[place] = f"{name}={draw.choice(VALUES)}"
    elif kind == 4:  # a letter is missing, or twice there
        at = draw.randrange(len(words[place]))
        words[place] = (
            words[place][:at] + words[place][at] * draw.choice((0, 2)) + words[place][at + 1 :]
        )
    elif kind == 5:
        words.append(words[place])
    elif kind == 6:
        words[place] = name
    else:
        words[place] = draw.choice(VALUES)
    return words


def programs() -> set[str]:
    """Every program of launch/, by its file."""
    return {
        file.stem for file in (ROOT / "launch").glob("*.py") if file.stem.strip("_") == file.stem
    }


def fuzzed(run: str, seed: int = 0) -> Iterator[list[str]]:
    """Command lines with two or three things changed, the same ones each time.

    A program that has no seed above starts from its name alone.
    """
    draw = random.Random(seed)
    seeds = [shlex.split(line.format(id=run)) for line in SEEDS]
    seeds += [[name] for name in sorted(programs() - {words[0] for words in seeds})]
    others = sorted({word for words in seeds for word in words[1:] if word.startswith("--")})
    for number in range(LINES):
        words = seeds[number % len(seeds)]
        for _ in range(draw.randint(2, 3)):
            words = mutated(draw, words, others)
        yield words


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fuzz")
    for label in ("cat", "dog"):
        (path / "pets" / label).mkdir(parents=True)
        for number in range(4):
            Image.new("RGB", (3, 3), (60 * number, 0, 0)).save(
                path / "pets" / label / f"{number}.png"
            )
    (path / "table.csv").write_text("a,b,y\n" + "1.5,2,u\n2.5,1,v\n" * 10)
    return path


def flaw(code: int, out: str, err: str) -> str:
    """What is wrong with how a program ended, "" if nothing is."""
    if "Traceback" in out + err:
        return "a traceback"
    if code not in (0, 1, 2, 3):
        return f"the code {code}"
    lines = [line for line in err.splitlines() if line.startswith("error: ")]
    if code == 2 and len(lines) != 1:
        return f"{len(lines)} lines of errors"
    return ""


def test_every_fuzzed_command_line_ends_in_one_line(folder: Path) -> None:
    (first,) = run_all([shlex.split(f"train {TRAINING} --keep_params")], folder)
    run = first.out.split()[1].rstrip(":")
    lines = list(fuzzed(run))
    results = run_all(lines, folder)
    assert {line[0] for line in lines} >= programs()
    flaws = {
        shlex.join(line): (said, result.err[-400:])
        for line, result in zip(lines, results, strict=True)
        if (said := flaw(result.code, result.out, result.err))
    }
    assert not flaws, flaws
    assert sum(result.code == 2 for result in results) > LINES / 2  # most are wrong
