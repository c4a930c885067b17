"""Tables of effects, from records whose values are known."""

import dataclasses
import json

import numpy as np
import pytest

from research.analysis import layout
from research.analysis.arms_table import Arm
from research.analysis.effects_builder import MORE, effects_table
from research.analysis.effects_table import EffectsTable
from research.analysis.figures import of_effects
from research.analysis.render import render
from research.analysis.table_builder import build_table
from research.sweeps.column import Column
from research.sweeps.declare import designs, factor_arms
from research.sweeps.records.record import Record

NAMES = ("a", "b", "c", "d")
COLUMNS = (Column("NLL", "test/nll", better="lower"),)


def table(worth, text: str = "full", seeds: int = 8, lost=()) -> EffectsTable:
    """The effects where arm `on` has the value worth(on) plus noise of the seed. lost: (arm, seed)
    pairs without a record."""
    design = designs.design(text, len(NAMES), seeds)
    noise = np.random.default_rng(0).normal(scale=0.01, size=(seeds, len(design.on)))
    arms = []
    for index, on in enumerate(design.on):
        records = {
            seed: Record(
                f"{index}-{seed}", "finished", {"seed": str(seed)},
                metrics={"test/nll": float(worth(on) + noise[seed, index] + seed)},
            )
            for seed in range(seeds)
            if (index, seed) not in lost and design.asked(seed)[index]
        }  # fmt: skip
        arms.append(Arm(factor_arms.label(NAMES, on), records))
    built = build_table("known", arms, COLUMNS, arms[0].label, range(seeds))
    return effects_table(built, design, NAMES)


def cells(effects: EffectsTable) -> dict[tuple[str, str], tuple[float, str]]:
    return {
        (row.label, row.effect.kind): (round(row.cells[0].difference.mean, 1), row.cells[0].verdict)
        for row in effects.rows
    }


def test_effects_and_verdicts_of_known_values() -> None:
    """Effects of a known function of the factors; Shapley values add up to all minus nothing,
    within float64 rounding."""
    # a lowers the NLL by 1, b raises it by 2, c and d lower it by 3 together; a seed shifts all.
    effects = table(lambda on: -1.0 * on[0] + 2 * on[1] - 3 * (on[2] & on[3]))
    found = cells(effects)
    assert found["a", "main effect"] == (-1.0, "better")
    assert found["b", "main effect"] == (2.0, "worse")
    assert found["c × d", "interaction"] == (-3.0, MORE)
    assert found["a × b", "interaction"] == (0.0, "no interaction shown")
    assert found["c", "Shapley value"] == (-1.5, "better")
    total = sum(mean for (_, kind), (mean, _) in found.items() if kind == "Shapley value")
    assert total == pytest.approx(-1 + 2 - 3)


def test_a_seed_counts_where_it_has_all_the_runs_that_an_effect_needs() -> None:
    effects = table(lambda on: 1.0 * on[0], "leave_one_out", lost=[(1, 0), (2, 3)])
    assert [row.cells[0].difference.n for row in effects.rows] == [7, 7, 8, 8]
    nothing = table(lambda on: 1.0, "full", seeds=2, lost=[(0, 0), (0, 1)])
    assert {row.cells[0].verdict for row in nothing.rows} == {"no seed has all of its runs"}


def test_an_effect_that_uses_failed_runs_has_no_test() -> None:
    whole = table(lambda on: 1.0 * on[0], "leave_one_out").arms
    second = whole.rows[1]
    failed = dataclasses.replace(second.arm.records[3], status="diverged", metrics={})
    arm = dataclasses.replace(second.arm, records={**second.arm.records, 3: failed})
    arms = [row.arm for row in whole.rows]
    built = build_table("known", [arms[0], arm, *arms[2:]], COLUMNS, arms[0].label, range(8))
    effects = effects_table(built, designs.design("leave_one_out", 4, 8), NAMES)
    first, *others = (row.cells[0] for row in effects.rows)
    assert (first.p, first.verdict, first.difference.n) == (None, "no test: diverged", 7)
    assert all(cell.p is not None for cell in others)


def test_drawn_orders_estimate_what_all_combinations_say() -> None:
    effects = table(lambda on: -1.0 * on[0] + 2 * on[1], "shapley(orders=2)")
    assert [mean for mean, _ in cells(effects).values()] == [-1.0, 2.0, 0.0, 0.0]
    assert {row.cells[0].difference.n for row in effects.rows} == {8}


def test_a_fraction_names_what_it_confounds() -> None:
    effects = table(lambda on: 1.0 * (on[2] & on[3]), "fractional(resolution=4)")
    (row,) = [row for row in effects.rows if row.label == "a × b"]
    assert row.aliases == ("c × d",)
    assert any("a × b = c × d" in sentence for sentence in effects.footer)
    assert any("three or more factors are taken to be zero" in each for each in effects.footer)


def test_it_is_written_in_every_format() -> None:
    effects = table(lambda on: 1.0 * on[0])
    for form in ("md", "tex", "html"):
        assert "Shapley value" in render(effects, form)
    assert render(effects, "csv").count("\n") == 1 + len(effects.rows)
    tree = json.loads(render(effects, "json"))
    assert len(tree["effects"][0]["values"]) == 8
    assert tree["arms"]["rows"]
    (grid,) = layout.grids(effects)
    assert grid.columns[0].header == "factor"
    assert [*of_effects(effects)] == ["effect-test/nll", "shapley-test/nll"]
