"""Schedules by hand: values, ends, warm-up, durations in every unit, and what cannot be."""

import numpy as np
import pytest

from research.duration import Duration
from research.errors import UserError
from research.registry import SCHEDULES, load_package

load_package("research.optim")


def table(name, steps=10, steps_per_epoch=5, **options):
    entry = SCHEDULES.get(name)
    parsed = {k: entry.option(k).parse(v, k) for k, v in options.items()}
    return entry.build(steps=steps, steps_per_epoch=steps_per_epoch, **parsed)


CASES = [
    ("constant", {}, 3, [1, 1, 1]),
    ("constant", {"warmup": "2"}, 4, [0.5, 1, 1, 1]),
    ("constant", {"warmup": "100%"}, 4, [0.25, 0.5, 0.75, 1]),
    ("step", {"every": "2", "factor": 0.5}, 6, [1, 1, 0.5, 0.5, 0.25, 0.25]),
    ("step", {"every": "2", "factor": 0.5, "warmup": "1"}, 5, [1, 1, 0.5, 0.5, 0.25]),
    ("multistep", {"boundaries": "1,3"}, 5, [1, 0.1, 0.1, 0.01, 0.01]),
    ("multistep", {"boundaries": "3,1", "factor": 0.5, "warmup": "2"}, 4, [0.5, 1, 0.5, 0.25]),
    ("multistep", {}, 8, [1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01]),
    ("exponential", {"every": "2", "factor": 0.25}, 5, [1, 0.5, 0.25, 0.125, 0.0625]),
    ("exponential", {"every": "1", "factor": 0.5, "warmup": "2"}, 5, [0.5, 1, 1, 0.5, 0.25]),
    ("polynomial", {"power": 2, "end": 0}, 4, [1, 9 / 16, 4 / 16, 1 / 16]),
    ("polynomial", {"power": 2, "end": 0.2}, 2, [1, 0.2 + 0.8 / 4]),
    ("linear", {}, 4, [1, 0.75, 0.5, 0.25]),
    ("linear", {"end": 0.5, "warmup": "2"}, 6, [0.5, 1, 1, 0.875, 0.75, 0.625]),
    ("cosine", {}, 4, [1, 0.5 + 0.5 / 2**0.5, 0.5, 0.5 - 0.5 / 2**0.5]),
    ("cosine", {"end": 0.2, "warmup": "1"}, 3, [1, 1, 0.6]),
    (
        "one_cycle",
        {"rise": "2", "start": 0, "end": 0},
        6,
        [0, 0.5, 1, 0.5 + 0.5 / 2**0.5, 0.5, 0.5 - 0.5 / 2**0.5],
    ),
    ("one_cycle", {"rise": "0", "end": 0.5}, 2, [1, 0.75]),
    ("inverse_sqrt", {}, 4, [1, 2**-0.5, 3**-0.5, 0.5]),
    ("inverse_sqrt", {"timescale": "3"}, 10, [(3 / (3 + s)) ** 0.5 for s in range(10)]),
    (
        "inverse_sqrt",
        {"warmup": "4"},
        17,
        [0.25, 0.5, 0.75, 1, *((4 / t) ** 0.5 for t in range(4, 17))],
    ),
    ("cyclic", {"period": "4", "low": 0}, 9, [0, 0.5, 1, 0.5, 0, 0.5, 1, 0.5, 0]),
    ("cyclic", {"period": "2", "low": 0.5, "warmup": "2"}, 5, [0.5, 1, 0.5, 1, 0.5]),
    ("cosine_restarts", {"cycles": 2}, 5, [1, 0.75, 0.25, 1, 0.75]),
    ("cosine_restarts", {"cycles": 2, "end": 0.5, "warmup": "2"}, 5, [0.5, 1, 1, 0.75, 1]),
    ("reduce_on_plateau", {"warmup": "2"}, 4, [0.5, 1, 1, 1]),
]


@pytest.mark.parametrize(("name", "options", "steps", "expected"), CASES)
def test_by_hand(name, options, steps, expected):
    """The factors of the first steps by formula; 1e-12: they are float64, computed on the host."""
    got = table(name, steps, **options)
    assert got.dtype == np.float64
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-15)


def test_every_schedule_has_a_case():
    assert {case[0] for case in CASES} == set(SCHEDULES.names())


@pytest.mark.parametrize("name", SCHEDULES.names())
def test_every_schedule(name):
    """Factors lie between 0 and 1; warmup rises by 1/20 a step, within float32 rounding."""
    entry = SCHEDULES.get(name)
    assert entry.summary
    assert all(o.help for o in entry.options)
    plain, warm = table(name, 100), table(name, 100, warmup="20%")
    for factors in (plain, warm, table(name, 1), table(name, 10, warmup="7")):
        assert np.isfinite(factors).all()
        assert factors.min() >= 0
        assert factors.max() <= 1
    assert len(plain) == len(warm) == 100
    np.testing.assert_allclose(warm[:20], np.arange(1, 21) / 20, rtol=1e-6)
    assert entry.feedback == (name == "reduce_on_plateau")


@pytest.mark.parametrize("name", ["polynomial", "linear", "cosine", "one_cycle"])
def test_the_end_comes_just_after_the_last_step(name):
    factors = table(name, 10_000, end=0.1)
    assert 0.1 < factors[-1] < 0.1002
    assert factors.max() == 1


def test_smooth_schedules_start_at_the_base_rate_after_the_warmup():
    for name in ("exponential", "polynomial", "linear", "cosine", "inverse_sqrt"):
        factors = table(name, 50, warmup="10")
        assert factors[9] == factors[10] == 1
        assert (np.diff(factors[10:]) < 0).all()


def test_steps_epochs_and_percent_are_the_same():
    # 40 steps, 8 an epoch: 2 epochs = 16 steps = 40%.
    for name, option in (
        ("step", "every"),
        ("exponential", "every"),
        ("cyclic", "period"),
        ("cosine", "warmup"),
    ):
        tables = [
            table(name, 40, 8, **{option: text}) for text in ("16", "16steps", "2epochs", "40%")
        ]
        for other in tables[1:]:
            np.testing.assert_array_equal(tables[0], other)
    np.testing.assert_array_equal(
        table("multistep", 40, 8, boundaries="8,24"),
        table("multistep", 40, 8, boundaries="1epoch,60%"),
    )


def test_a_period_is_at_least_one_step():
    """Halves are exact in float32."""
    np.testing.assert_allclose(table("step", 3, every="1%", factor=0.5), [1, 0.5, 0.25])


def test_errors():
    with pytest.raises(
        UserError,
        match=r"schedule.warmup=3epochs is 15 steps, longer than the training, which has 10",
    ):
        table("cosine", 10, 5, warmup="3epochs")
    for name in SCHEDULES.names():
        with pytest.raises(UserError, match="longer than the training"):
            table(name, 10, warmup="11")
    with pytest.raises(UserError, match=r"schedule.every=0% is not a duration"):
        table("step", 10, every="0%")
    with pytest.raises(UserError, match=r"schedule.period=0 is not a duration"):
        table("cyclic", 10, period="0")
    with pytest.raises(
        UserError, match=r"schedule.rise=90% is 9 steps, longer than the 8 steps after the warm-up"
    ):
        table("one_cycle", 10, rise="90%", warmup="2")
    with pytest.raises(UserError, match="out of range"):
        table("step", factor=0)
    with pytest.raises(UserError, match="not a duration"):
        table("multistep", boundaries="1,half")
    with pytest.raises(UserError, match="did you mean cosine"):
        SCHEDULES.get("cosin")


def test_defaults_are_durations():
    assert SCHEDULES.get("step").option("every").default == Duration(30, "%")
    assert SCHEDULES.get("multistep").option("boundaries").parse("10,75%", "") == (
        Duration(10),
        Duration(75, "%"),
    )
