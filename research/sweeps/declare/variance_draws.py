"""Variance draws: the runs that redraw one source of randomness while the others stay fixed."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from research.errors import UserError, nearest
from research.options import Settings
from research.run_config import SEEDS

# What each source is, for a reader.
MEANINGS = {
    "init": "the initial parameters",
    "order": "the order of the data",
    "noise": "the noise of the training",
    "split": "the split into training, validation and test rows",
    "rows": "the evaluated rows, resampled",
}
ROWS = "rows"
TOGETHER = "together"


@dataclasses.dataclass(frozen=True)
class VarianceDraws:
    """sources: those that are redrawn. draws: values per source and base. bases: seeds at which the
    other sources are fixed in turn.

    Raises UserError for a source that is none, and for too few draws.
    """

    sources: Sequence[str]
    draws: int
    bases: int

    def __post_init__(self) -> None:
        for source in self.sources:
            if source not in MEANINGS:
                raise UserError(
                    f"--over: there is no source '{source}'; {nearest(source, MEANINGS)}"
                )
        if len(set(self.sources)) < len(self.sources):
            raise UserError(f"--over={','.join(self.sources)} names a source twice")
        if not self.sources:
            raise UserError(f"--over: give sources, such as {','.join(MEANINGS)}")

    @property
    def seeded(self) -> list[str]:
        """The sources that have a seed."""
        return [source for source in self.sources if source in SEEDS]

    def requests(self, arm: Settings) -> dict[str, list[list[dict[str, Any]]]]:
        """For each source, and for all with a seed together, for each base the settings of its
        draws; the first draw is the base itself.

        arm: the settings of a row.
        """
        redrawn = {source: [source] for source in self.seeded}
        if len(self.seeded) > 1:
            redrawn[TOGETHER] = self.seeded
        return {
            name: [
                [_settings(arm, base, draw, name, names) for draw in range(self.draws)]
                for base in range(self.bases)
            ]
            for name, names in redrawn.items()
        }

    def of_bases(self, arm: Settings) -> list[dict[str, Any]]:
        """The run of each base, whose evaluated rows are resampled."""
        return [{**arm, "seed": base} for base in range(self.bases)]


# Above the seeds of all bases, which a redrawn source must not repeat.
_FIRST = 1_000_000


def redrawn_seed(source: str, base: int, draw: int) -> int:
    """The seed of a draw: another one for each source, base and draw, so that no source repeats the
    random numbers of `together`. More draws or bases reuse the runs of fewer.

    Args:
        source: one with a seed, or `together`.
        base: the number of the base, from 0.
        draw: the number of the draw, from 1.
    """
    sources = [*SEEDS, TOGETHER]
    # Cantor's pairing: a number of its own for each pair of numbers.
    diagonal = base + draw
    pair = diagonal * (diagonal + 1) // 2 + draw
    return _FIRST + pair * len(sources) + sources.index(source)


def _settings(
    arm: Settings, base: int, draw: int, source: str, redrawn: Sequence[str]
) -> dict[str, Any]:
    """The settings of a draw; the first one is the base itself."""
    seeds = {SEEDS[name]: redrawn_seed(source, base, draw) for name in redrawn} if draw else {}
    return {**arm, "seed": base, **seeds}
