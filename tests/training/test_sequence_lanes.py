"""Law 2 for every architecture over sequences: a lane is the run alone."""

import pytest
from engine import assert_close, assert_same_bits, compiled_lightly, lane
from sequences import PADDED, SEQUENTIAL, run, start, steps, tiny

from research.errors import UserError


@pytest.mark.parametrize("name", SEQUENTIAL)
def test_a_lane_is_the_run_alone(name: str) -> None:
    """Initial parameters bitwise, first steps to rounding; and bitwise whatever the neighbours and the place."""
    members = ("dropout=0.3", "input_dropout=0.1", "variational_dropout=0.2", "weight_noise=0.1")
    regularization = ",".join(member for member in members if _acts(name, member))
    runs = [run(PADDED, **tiny(name), regularization=regularization, seed=seed) for seed in range(4)]
    assert len({r.program for r in runs}) == 1
    with compiled_lightly():
        assert_same_bits(lane(start(runs, 4, PADDED).state, 1), lane(start(runs[1:2], 1, PADDED).state, 0))
        together = steps(runs, 4, PADDED)
        assert_close(lane(together, 1), lane(steps(runs[1:2], 1, PADDED), 0))
        elsewhere = steps([runs[3], runs[0], runs[3], runs[1]], 4, PADDED)
    assert_same_bits(lane(elsewhere, 3), lane(together, 1))


def _acts(name: str, member: str) -> bool:
    try:
        run(PADDED, **tiny(name), regularization=member)
    except UserError:
        return False
    return True
