"""Language models end to end: a text is learned and gone on with, its attention drawn, and bad
input is one line."""

import re
from pathlib import Path

import pytest
from PIL import Image

from tests.launch.test_evaluate import ok, run_id
from tests.support.command_lines import Result, run_all

TEXT = [
    "train",
    "--dataset=text:abc.txt",
    "--context=12",
    "--batch_size=16",
    "--optimizer=adam",
    "--keep_params",
]
RUNS = {
    "gru": [*TEXT, "--arch=gru", "--arch.hidden=16", "--learning_rate=0.02", "--epochs=2"],
    "gpt": [
        *TEXT,
        "--arch=gpt",
        "--arch.layers=1",
        "--arch.width=16",
        "--learning_rate=0.01",
        "--epochs=2",
    ],
    "letters": [
        "train",
        "--dataset=spelled_letters",
        "--dataset.size=160",
        "--dataset.test=20",
        "--arch=seq2seq",
        "--arch.hidden=8",
        "--arch.embedding=4",
        "--optimizer=adam",
        "--epochs=1",
        "--keep_params",
    ],
    "wine": ["train", "--dataset=wine", "--epochs=1", "--keep_params"],
    "unkept": [*TEXT[:-1], "--arch=gru", "--arch.hidden=4", "--epochs=1"],
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A folder with the records of the runs, and their ids."""
    folder = tmp_path_factory.mktemp("generate")
    (folder / "abc.txt").write_text("abc" * 400)
    return folder, dict(zip(RUNS, map(run_id, run_all(list(RUNS.values()), folder)), strict=True))


def generate(trained: tuple[Path, dict[str, str]], *cases: tuple[str, ...]) -> list[Result]:
    """Each case is the run's name and the other flags."""
    folder, ids = trained
    return run_all([["generate", f"--run={ids[name]}", *more] for name, *more in cases], folder)


def test_a_text_goes_on(trained: tuple[Path, dict[str, str]]) -> None:
    """From beyond the context too, which a network without a state has forgotten."""
    likeliest, prompt = ("--length=7", "--temperature=0"), f"--prompt={'abc' * 7}a"
    cases = [(name, prompt, *likeliest) for name in ("gru", "gpt")]
    drawn = [
        ("gpt", "--prompt=b", "--length=50", "--temperature=5", f"--seed={seed}")
        for seed in (0, 0, 1)
    ]
    *said, first, same, other = (ok(result).out for result in generate(trained, *cases, *drawn))
    assert said == ["abc" * 9 + "ab\n"] * 2
    assert first == same != other
    assert len(first) == 52
    assert set(first) == set("abc\n")


def test_a_source_is_answered(trained: tuple[Path, dict[str, str]]) -> None:
    """Greedily, or by a beam search: then the best comes first."""
    folder, ids = trained
    one, three = (
        ok(said).out
        for said in generate(
            trained, ("letters", "--prompt=q"), ("letters", "--prompt=q", "--beams=3")
        )
    )
    assert one.count("\n") == 1
    scores = [float(line.split()[0]) for line in three.splitlines()]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)
    (measured,) = run_all([["evaluate", f"--run={ids['letters']}", "--beams=3"]], folder)
    assert re.search(
        r"^test  exact_match .* beam_exact_match \S+  bleu \S+$", ok(measured).out, re.M
    )


def test_attention_is_drawn(trained: tuple[Path, dict[str, str]]) -> None:
    folder, ids = trained
    cases = [["evaluate", f"--run={ids[name]}", "--attention=seen.png"] for name in ("gpt", "gru")]
    drawn, refused = run_all(cases, folder)
    assert "wrote seen.png" in ok(drawn).out
    Image.open(folder / "seen.png").verify()
    assert (refused.code, refused.out) == (2, "")
    assert "arch=gru has no attention" in refused.err


def test_bad_input_is_one_line(trained: tuple[Path, dict[str, str]]) -> None:
    cases = {
        (
            "gru",
            "--prompt=xyz",
        ): "--prompt, line 1: the symbol 'x' is not in the vocabulary of 3 symbols: 'abc'",
        ("gru",): "--prompt=TEXT gives the beginning of the text",
        (
            "wine",
            "--prompt=a",
        ): "--prompt requires a run of task language_model or sequence_to_sequence",
        (
            "letters",
            "--prompt=ab",
        ): "--prompt has 2 symbols, and a source of spelled_letters has at most 1",
        (
            "letters",
            "--prompt=a",
            "--length=3",
        ): "--length does not apply to task=sequence_to_sequence",
        ("unkept", "--prompt=a"): "--keep_params",
        ("gru", "--prompt=a", "--length=0"): "--length=0",
    }
    for said, (case, expected) in zip(generate(trained, *cases), cases.items(), strict=True):
        assert said.code == 2, case
        assert expected in said.err
        assert said.err.count("\n") == 1
