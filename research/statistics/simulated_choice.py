"""Simulated data sets on which a setting is chosen, to measure what choosing does to the value that
is reported."""

import dataclasses
import zlib

import numpy as np

from research.statistics.comparisons import Floats
from research.statistics.simulated import FEATURES, START_NOISE, STRENGTH, population_accuracy

# The shares of the rows that train, validate and test.
TRAIN = 0.8
VALIDATE = 0.1


@dataclasses.dataclass(frozen=True)
class ChoiceWorld:
    """Data sets of so many rows. Each setting is the nearest-centroid rule on features of its own,
    so that all settings are equally good on new rows and the best one on given rows is luck."""

    tables: int
    rows: int
    seed: int = 0

    def accuracies(self, setting: int, split_seed: int, seed: int) -> dict[str, Floats]:
        """The accuracies [tables] of one run per data set: on its validation and test rows, and on
        new ones.

        Args:
            setting: which features it reads.
            split_seed: draws the split.
            seed: draws the start of training.
        """
        signed = self._signed(setting)
        order = self._random("split", split_seed).random((self.tables, self.rows), np.float32)
        rank = order.argsort(-1)
        train = int(TRAIN * self.rows)
        test = train + int(VALIDATE * self.rows)
        trained = np.einsum("tr,trf->tf", (rank < train).astype(np.float32) / train, signed)
        noise = self._random("start", setting, seed).standard_normal(trained.shape)
        weights = trained + START_NOISE * STRENGTH * noise
        right = np.einsum("trf,tf->tr", signed, weights.astype(np.float32)) > 0
        validating = (rank >= train) & (rank < test)
        testing = rank >= test
        return {
            "validation/accuracy": (right & validating).sum(-1) / validating.sum(-1),
            "test/accuracy": (right & testing).sum(-1) / testing.sum(-1),
            "new": population_accuracy(weights),
        }

    def _signed(self, setting: int) -> Floats:
        """The features of a setting [tables, rows, FEATURES], times the label."""
        shape = (self.tables, self.rows, FEATURES)
        noise = self._random("rows", setting).standard_normal(shape, np.float32)
        return np.float32(STRENGTH) + noise  # type: ignore[return-value]

    def _random(self, *key: object) -> np.random.Generator:
        # The same split, rows and start whenever they are asked for.
        return np.random.default_rng(zlib.crc32(repr((self.seed, *key)).encode()))
