"""Clean metrics: runs without label noise have them too, in a table and not in their records."""

import pytest

from research.analysis.arms_table import Arm
from research.analysis.clean_metrics import with_clean
from research.analysis.render import render
from research.analysis.table_builder import build_table
from research.sweeps.column import Column
from research.sweeps.records.record import Record

CLEAN = "train/clean_accuracy"


def _record(noise: str, metrics: dict[str, float]) -> Record:
    return Record(noise, "finished", {"label_noise": noise}, metrics)


def test_without_noise_the_clean_metric_is_that_of_the_trained_labels() -> None:
    noisy = _record("0.2", {"train/accuracy": 0.7, CLEAN: 0.9})
    unknown = _record("0.1", {"train/accuracy": 0.7})
    quiet = _record("0.0", {"train/accuracy": 0.8})
    by_id = {record.run_id: record for record in (noisy, unknown, quiet)}
    completed = with_clean(by_id, [CLEAN, "train/nll", "train/clean_nll"])
    assert {run_id: record.metrics.get(CLEAN) for run_id, record in completed.items()} == {
        "0.2": 0.9,
        "0.1": None,
        "0.0": 0.8,
    }
    assert quiet.metrics == {"train/accuracy": 0.8}
    assert with_clean(by_id, ["train/accuracy"]) is by_id


@pytest.mark.parametrize(("noises", "said"), [(("0.0", "0.2"), True), (("0.2",), False)])
def test_the_footer_says_where_it_is_so(noises: tuple[str, ...], said: bool) -> None:
    records = {noise: _record(noise, {"train/accuracy": 0.7, CLEAN: 0.9}) for noise in noises}
    arms = [Arm(noise, {0: record}) for noise, record in records.items()]
    text = render(build_table("t", arms, [Column("clean", CLEAN)], None, [0]), "md")
    line = "clean: for runs without label noise it is train/accuracy."
    assert (line in " ".join(text.split())) == said
