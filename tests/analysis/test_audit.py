"""The audit: each check finds its fault where it is, and nothing where it is not."""

import csv
import dataclasses
import random

import numpy as np
import pytest

import research.catalogue  # noqa: F401
from research.analysis.arms_table import Arm
from research.analysis.audit import checklist
from research.analysis.audit.case import Case
from research.analysis.audit.data_checks import near_duplicates
from research.analysis.audit.permutation import ShuffledTargets, permutation_check
from research.analysis.table_builder import build_table
from research.data.source import open_source
from research.sweeps.column import Column
from research.sweeps.declare import selection
from research.sweeps.experiment import Choose, Experiment
from research.sweeps.plan.run_plan import trainable
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.record import Record

BASE = {"arch": "linear", "epochs": "2", "batch_size": "16", "dataset.target": "y"}
COLUMNS = [Column("test accuracy", "test/accuracy")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files of 200 rows: clean.csv, and leak.csv with copies, persons and a column made of y."""
    folder = tmp_path_factory.mktemp("audit")
    draw = random.Random(0)
    clean, leak = [], []
    for person in range(40):
        label = draw.choice("ab")
        for _ in range(5):
            u, v = draw.gauss(0, 1), draw.gauss(0, 1)
            score = (2 if label == "a" else 1) + draw.gauss(0, 0.01)
            clean.append((u, v, draw.choice("ab")))
            leak.append((u, v, person, score, label))
    leak += draw.sample(leak, 30)
    for name, header, rows in (
        ("clean", ("u", "v", "y"), clean),
        ("leak", ("u", "v", "person", "score", "y"), leak),
    ):
        with (folder / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([header, *rows])
    return folder


def opener(folder):
    def opened(config):
        return open_source(
            config.dataset.name, dict(config.dataset.options), cache_dir=folder / "cache",
            data_dir=None, task=config.task,
        )  # fmt: skip

    return opened


def case(folder, name="clean", arms=None, scores=None, seeds=8, **more) -> Case:
    """An experiment on one of the files. scores: by arm, the accuracy of each seed."""
    base = BASE | {"dataset": f"csv:{folder / name}.csv"} | more.pop("base", {})
    arms = arms or {"a": {}, "b": {"learning_rate": "0.2"}}
    experiment = Experiment("e", "", base, arms, COLUMNS, next(iter(arms)), seeds=seeds, **more)
    plans = Planner(opener(folder))
    chosen = dict.fromkeys(arms, 0.1) if experiment.choose else {}
    requests = selection.requests(experiment, chosen)
    planned = plans.plan_rows(requests)
    runs = {label: trainable(of_arm) for label, of_arm in planned.items()}
    table = None
    if scores:
        rows = []
        for label, of_arm in runs.items():
            records = {
                run.config.seed: Record(
                    run.id, "finished" if score is not None else "diverged", {}, parameters=9,
                    metrics={} if score is None else {"test/accuracy": score},
                    provenance={"commit": "abc", "device": "cpu"},
                )
                for run, score in zip(of_arm, scores[label], strict=True)
            }  # fmt: skip
            rows.append(Arm(label, records))
        table = build_table("e", rows, COLUMNS, experiment.baseline, range(seeds))
    return Case(experiment, runs, plans, table)


def found(case: Case) -> dict[str, list[str]]:
    report = checklist.audit(case, {}, lambda name: None)
    return {name: [each.text for each in findings] for name, findings in report.items() if findings}


GOOD = {"a": [0.8 + 0.01 * i for i in range(8)], "b": [0.9 + 0.01 * i for i in range(8)]}


def test_a_clean_experiment_has_few_rows_and_no_other_finding(folder):
    assert found(case(folder, scores=GOOD)).keys() == {"few test rows"}


def test_faults_of_the_data_are_found_by_name(folder):
    findings = found(case(folder, "leak", scores=GOOD))
    assert "are copies of training rows" in findings["copies in training and test"][0]
    given = findings["a column gives the target away"]
    assert any("'score'" in text for text in given)
    assert "'person'" in findings["groups on both sides of the split"][0]


def test_times_are_found_where_test_rows_lie_before_training_rows(folder):
    draw = random.Random(1)
    rows = [(2000 + day + draw.random(), draw.gauss(0, 1), draw.choice("ab")) for day in range(90)]
    with (folder / "days.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("day", "u", "y"), *rows])
    name = "times on both sides of the split"
    (text,) = found(case(folder, "days"))[name]
    assert "column 'day' grows from row to row" in text
    assert "9 of 9 test rows" in text or "8 of 9 test rows" in text
    later = {"split": "time_series(3)", "fold": 0, "batch_size": "8"}
    assert name not in found(case(folder, "days", base=later))


def test_groups_of_several_classes_are_found_by_their_name(folder):
    draw = random.Random(2)
    rows = [(i // 6, i // 6, draw.gauss(0, 1), draw.choice("ab")) for i in range(120)]
    draw.shuffle(rows)
    with (folder / "visits.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("Patient_ID", "level", "u", "y"), *rows])
    (text,) = found(case(folder, "visits"))["groups on both sides of the split"]
    assert "column 'Patient_ID'" in text


def test_records_of_other_code_and_devices_are_found(folder):
    good = case(folder, scores=GOOD)
    assert "records of one origin" not in found(good)
    first = good.table.rows[0].arm.records[0]
    first.provenance.update(commit="def+changes", device="gpu")
    texts = " ".join(found(good)["records of one origin"])
    for part in ("2 commits: def+changes, abc", "2 kinds of device", "code that is in no commit"):
        assert part in texts, part


def test_what_follows_another_setting_is_found_unless_it_is_declared(folder):
    declared = case(folder)  # 'b' has another learning rate
    assert "undeclared differences" not in found(declared)
    silent = dataclasses.replace(declared.experiment, arms={"a": {}, "b": {}})
    (text,) = found(dataclasses.replace(declared, experiment=silent))["undeclared differences"]
    assert "learning_rate=0.2 (baseline: " in text
    others = {
        "a": {"arch": "mlp"},
        "norm": {"arch": "mlp", "normalization": "batch"},
        "seed": {"arch": "mlp", "seed.init": 3},
    }
    assert "undeclared differences" not in found(case(folder, arms=others))


def test_near_copies_are_found_and_neighbours_are_not(folder):
    (data,) = case(folder).data
    assert not list(near_duplicates(data))
    x = np.array(data.arrays.x)
    x[data.test[:3]] = x[data.train[:3]] + 1e-6
    changed = dataclasses.replace(data, arrays=data.arrays._replace(x=x))
    (finding,) = near_duplicates(changed)
    assert "3 test rows" in finding.text


def test_faults_of_the_declaration_are_found(folder):
    arms = {
        "a": {},
        "adam": {"optimizer": "adam"},
        "long": {"epochs": "4"},
    }
    findings = found(case(folder, arms=arms, seeds=3))
    assert findings["few seeds"] == [
        "3 seeds cannot show any difference on these rows: no p is below 0.05"
    ]
    assert "'long' makes" in findings["unequal training budgets"][0]
    assert "undeclared differences" not in findings


def test_a_choice_at_the_edge_of_its_values_is_found(folder):
    choose = Choose("learning_rate", (0.1, 0.2, 0.3), seeds=2)
    arms = {"a": {}, "b": {"optimizer.momentum": "0.9"}}
    findings = found(case(folder, arms=arms, choose=choose))
    assert (
        "learning_rate=0.1, at the edge of 0.1 to 0.3" in findings["chosen settings at the edge"][0]
    )


def test_faults_of_the_records_are_found(folder):
    scores = {"a": GOOD["a"], "b": [None, *GOOD["b"][1:]]}
    findings = found(case(folder, scores=scores))
    assert "'b': 1 of 8 runs diverged" in findings["incomplete rows"][0]
    chance = found(case(folder, scores={"a": [0.3] * 8, "b": GOOD["b"]}))
    assert "'a' is not shown to beat" in chance["no better than the largest class"][0]
    close = {"a": GOOD["a"], "b": [0.8, 0.82, 0.81, 0.84, 0.83, 0.86, 0.86, 0.88]}
    undecided = found(case(folder, scores=close))["undecided rows"]
    assert "'b' is undecided on test accuracy" in undecided[0]
    assert "no run has a record yet" in found(case(folder))["incomplete rows"][0]


@pytest.mark.parametrize(("accuracy", "leaks"), [(0.5, False), (0.95, True)])
def test_what_is_learned_from_shuffled_targets_is_a_leak(folder, accuracy, leaks):
    asked = []

    def train(planner, requests):
        asked.extend(requests)
        return [Record("", "finished", {}, metrics={"test/accuracy": accuracy}) for _ in requests]

    check = permutation_check(opener(folder), train, seeds=3)
    assert bool(list(check(case(folder)))) == leaks
    assert [request["seed"] for request in asked] == [0, 1, 2]


def test_shuffled_targets_keep_inputs_and_counts(folder):
    (run,) = Planner(opener(folder)).runs([BASE | {"dataset": f"csv:{folder / 'clean'}.csv"}])
    source = opener(folder)(run.config)
    plain, shuffled = source.arrays(), ShuffledTargets(source).arrays()
    assert np.array_equal(plain.x, shuffled.x)
    assert (plain.y != shuffled.y).any()
    assert np.array_equal(np.sort(plain.y), np.sort(shuffled.y))


def test_lines_have_problems_first_and_the_page_escapes(folder):
    report = checklist.audit(case(folder, "leak", seeds=3), {}, lambda name: None)
    lines = list(checklist.lines(report))
    levels = [line.partition(":")[0] for line in lines[:-1]]
    assert levels == sorted(levels, key=["problem", "caution"].index)
    assert lines[-1].startswith("nothing found by ")
    assert "Remedy:" in lines[0]
    assert "&lt;" in checklist.page("<script>", report)
