"""A table read as numbers and categories, by the network of the guide to plugins: trained, measured
again, raced and refused by the launchers."""

import re

import pytest

from tests.support.command_lines import ROOT, Result, run_all

FILE = re.compile(r'^```\w+ title="(entity_embeddings.py|houses.csv)"\n(.*?)^```$', re.M | re.S)
PLUGIN = "--plugin=entity_embeddings.py"
HOUSES = [
    PLUGIN, "--dataset=csv:houses.csv", "--target=price", "--arch=entity_embeddings",
    "--arch.hidden=4", "--epochs=3", "--batch_size=4",
]  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    folder = tmp_path_factory.mktemp("houses")
    for name, text in FILE.findall((ROOT / "docs/guides/plugins.md").read_text()):
        (folder / name).write_text(text)
    cases = {
        "train": ["train", *HOUSES, "--keep_params", "--name=houses"],
        "test": ["evaluate", PLUGIN, "--run=houses", "--split=test"],
        "file": ["evaluate", PLUGIN, "--run=houses", "--split=csv:houses.csv"],
        "tune": [
            "tune", *HOUSES, "--sample=learning_rate=log(1e-3,0.1)", "--trials=3",
            "--pruner=median", "--report_seeds=2",
        ],
        "code": ["train", *HOUSES, "--task=reconstruction"],
    }  # fmt: skip
    return dict(zip(cases, run_all(list(cases.values()), folder), strict=True))


@pytest.mark.parametrize("case", ["train", "test", "file", "tune"])
def test_each_program_reads_both_inputs(case: str, results: dict[str, Result]) -> None:
    assert results[case].code == 0, results[case].err


def test_the_run_is_measured_as_it_was_trained(results: dict[str, Result]) -> None:
    lines = results["train"].out.splitlines() + results["test"].out.splitlines()
    trained, measured = [line.split() for line in lines if line.startswith("test ")]
    assert f"{float(measured[2]):.4f}" == trained[2]


def test_two_inputs_are_not_reconstructed(results: dict[str, Result]) -> None:
    result = results["code"]
    assert result.code == 2
    assert "error: task=reconstruction needs a single input, and arch=entity_embeddings" in (
        result.err
    )
