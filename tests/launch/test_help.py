"""The front door: what --help prints, what an unknown flag is answered with, and what a shell
completes."""

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from research.config import FIELDS
from tests.support.command_lines import ROOT, Result, run_all

# An unknown flag and what to write in its place.
MEANT = {
    "train --lr=0.1": "did you mean --learning_rate=0.1?",
    "train --bs 32": "did you mean --batch_size=32?",
    "train --model.hidden=3": "did you mean --arch.hidden=3?",
    "train --dropout=0.5": "did you mean --regularization=dropout=0.5?",
    "train --wd=1e-4 --regularization=dropout=0.2": (
        "did you mean --regularization=dropout=0.2,weight_decay=1e-4?"
    ),
    "train --batch-norm": "did you mean --regularization=batch_norm?",
    "train --optimizer=adam --b1=0.8": "did you mean --optimizer.b1=0.8?",
    "train --hidden=64": "did you mean --arch.hidden=64?",
    "sweep --n_seeds=3": "did you mean --seeds=3?",
    "package --output=model": "did you mean --out=model?",
    "verify --runs=3": "did you mean --run=3?",
    "doctor --recods=here": "did you mean --records=here?",
    "list --zzzzz": "--help lists the flags",
}
# Other slips, and what the answer has.
ANSWERS = {
    "train --gpu=0": "JAX_PLATFORMS=cpu or cuda chooses the kind of device",
    "train --val_split=0.1": "--split=8:1:1 gives the shares",
    "train --shuffle=false": "did you mean --reshuffle_each_epoch=false?",
    "train --no-remat": "did you mean --noremat or --remat=false?",
    "train lr=0.1": "'lr=0.1' is not a flag; did you mean --learning_rate=0.1?",
    "train epochs=5": "'epochs=5' is not a flag; write --epochs=5",
    "train --arch=CNN": "did you mean cnn?",
    "sweep --grid=lr=0.1|0.2": "unknown setting 'lr'; did you mean learning_rate?",
    "runs --filter=arch=mlp": "did you mean --where=arch=mlp?",
    "generate --temp=0.5": "did you mean --temperature=0.5?",
    "status --watch=5": "--watch=5: it takes no value; write --watch or --nowatch",
    "check my_net.py": "'my_net.py' is a file; write --plugin=my_net.py",
}
TOPICS = {
    "train --help=data": ("data:", "--dataset=NAME", "breast_cancer  569 tumours"),
    "train --help=arch.resnet": ("resnet: residual network", "depth=20"),
    "train --help=dropout": ("dropout: [activations]", "rate=(required)"),
    "train --help=learning_rate": ("--learning_rate=NUMBER", "none: 0.1, or 0.001 where"),
    "sweep --help=grid": ("--grid=TEXT",),
    "train --help=execution": ("execution:", "--records=TEXT"),
    "list --help=execution": ("execution:", "--records=TEXT"),
}


GROUPS = ("data", "files", "model", "optimization", "regularization", "evaluation", "execution")


def results(lines: list[str], folder: Path) -> list[Result]:
    return run_all([shlex.split(line) for line in lines], folder)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What `python -m launch` says of each program, by its name."""
    (listed,) = results(["__main__"], tmp_path_factory.mktemp("programs"))
    lines = [line.split(maxsplit=1) for line in listed.out.splitlines() if line.startswith("  ")]
    return dict(lines)


def test_the_package_lists_its_programs(programs: dict[str, str]) -> None:
    files = [file for file in (ROOT / "launch").glob("*.py") if "__name__ == " in file.read_text()]
    assert set(programs) == {file.stem for file in files} - {"__main__"}


def test_every_program_explains_itself(programs: dict[str, str], tmp_path: Path) -> None:
    for name, result in zip(
        programs, results([f"{name} --help" for name in programs], tmp_path), strict=True
    ):
        assert result.code == 0, result.err
        assert not result.err
        text = " ".join(result.out.split())
        assert text.startswith(programs[name]), name
        assert result.out.count(f"python -m launch.{name}") >= 2, "two examples"
        assert "--cache_dir=TEXT" in text
        if name in ("train", "sweep", "tune", "plan"):
            assert all(f"\n{group}:\n" in result.out for group in GROUPS)
            settings = [
                line.partition("=")[0].strip()
                for line in result.out.splitlines()
                if line.startswith("  --")
            ]
            grouped = settings[
                : settings.index("--cache_dir")
            ]  # the group of execution begins with it
            assert all(grouped.count(f"--{setting}") == 1 for setting in FIELDS)


def test_a_topic_prints_its_options(tmp_path: Path) -> None:
    for topic, result in zip(TOPICS, results(list(TOPICS), tmp_path), strict=True):
        assert result.code == 0, result.err
        assert all(text in result.out for text in TOPICS[topic])


def test_an_unknown_topic_is_one_line(tmp_path: Path) -> None:
    unknown, entry = results(["train --help=zzz", "train --help=arch.resnt"], tmp_path)
    assert unknown.code == entry.code == 2
    assert (
        "no such group, flag or entry; known: data, evaluation, execution, files, model"
        in unknown.err
    )
    assert "did you mean resnet or wide_resnet?" in entry.err


def test_slips_are_answered_with_the_right_form(tmp_path: Path) -> None:
    for line, result in zip(ANSWERS, results(list(ANSWERS), tmp_path), strict=True):
        assert result.code == 2, line
        assert ANSWERS[line] in result.err
        assert len(result.err.splitlines()) == 1


def test_an_unknown_flag_is_answered_with_what_is_meant(tmp_path: Path) -> None:
    for line, result in zip(MEANT, results(list(MEANT), tmp_path), strict=True):
        assert result.code == 2
        assert result.err.startswith("error: unknown flag --")
        assert result.err.strip().endswith(MEANT[line]), result.err


COMPLETED = {
    "python -m launch.tr": "launch.train",
    "python -m launch.train --batch_s": "--batch_size=",
    "python -m launch.train --arch=resn": "resnet",
    "python -m launch.train --regularization=dropout=0.5,max": "dropout=0.5,max_norm",
    "python -m launch.train --scaling=rob": "robust",
    "python -m launch.list regul": "regularizers",
    "python -m launch.benchmark pack": "packing",
    "ls regul": "",
}


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_shell_completes(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    (printed,) = results([f"completion {shell}"], tmp_path)
    assert printed.code == 0, printed.err
    tries = "".join(
        f"COMP_LINE={shlex.quote(line)}; COMP_POINT={len(line)}; _launch; echo"
        ' "${COMPREPLY[*]}"\n'
        for line in COMPLETED
    )
    (tmp_path / "tries").write_text(f"{printed.out}\ncompopt() {{ :; }}\n{tries}")
    shown = subprocess.run(
        [shell, "tries"], capture_output=True, text=True, cwd=tmp_path, check=True
    ).stdout
    for (line, wanted), got in zip(COMPLETED.items(), shown.splitlines(), strict=True):
        # zsh gives the whole word where bash gives what follows the equals sign
        assert got == wanted or (
            shell == "zsh" and got == f"{line.split()[-1].partition('=')[0]}={wanted}"
        ), line
