"""Pairs of parts: a covering design in which every architecture meets every optimizer and every
regularizer.

Architecture a has a row an optimizer o, with those regularizers r for which r + a is o modulo the
optimizers. Rows are planned, not compiled; what cannot be says so before anything trains. Some rows
are trained: as lanes and alone.
"""

import functools
from collections.abc import Iterable

import pytest

from research.errors import UserError
from research.registry import OPTIMIZERS, REGULARIZERS, Regularizer
from research.testing import subjects
from research.testing.few_steps import beyond_rounding, lane, steps
from research.testing.subjects import Subject
from tests.support.engine import member
from tests.support.networks import NETWORKS

TRAINED = (
    ("linear", "adagrad", ("l1", "shift")),
    ("mlp", "rmsprop", ("max_norm", "mixup")),
    ("cnn", "nadam", ("batch_norm", "random_erasing", "rotation")),
    ("lenet5", "lion", ("colour", "dropout")),
    ("resnet", "sgd", ("cutout", "stochastic_depth")),
    ("vit", "lamb", ("attention_dropout", "scale")),
    ("rnn", "adamax", ("dropconnect", "unit_norm")),
    ("lstm", "amsgrad", ("ema", "weight_noise")),
    ("gru", "adadelta", ("gradient_noise", "variational_dropout")),
    ("tcn", "radam", ("stochastic_depth", "weight_norm")),
    ("gpt", "adafactor", ("clip_norm", "weight_decay")),
    ("ar", "sam", ("elastic_net", "input_dropout")),
)


@functools.cache
def row(architecture: str, optimizer: str) -> tuple[Regularizer, ...]:
    """The regularizers of a row of the design."""
    names, shift = OPTIMIZERS.names(), NETWORKS.index(architecture)
    place = names.index(optimizer)
    return tuple(entry for r, entry in enumerate(REGULARIZERS) if (r + shift) % len(names) == place)


def settings(optimizer: str, members: Iterable[Regularizer]) -> dict[str, object]:
    tiny = {
        f"optimizer.{name}": value for name, value in OPTIMIZERS.get(optimizer).test_options.items()
    }
    return {
        "optimizer": optimizer,
        "regularization": ",".join(map(member, members)) or "none",
        **tiny,
    }


def refusal(of: Subject, optimizer: str, members: Iterable[Regularizer]) -> str:
    """Why this cannot be, "" if it can."""
    try:
        of.run(**settings(optimizer, members))
    except UserError as error:
        return str(error)
    return ""


def test_the_design_covers_every_pair() -> None:
    for architecture in NETWORKS:
        met = [
            entry.name for optimizer in OPTIMIZERS.names() for entry in row(architecture, optimizer)
        ]
        assert sorted(met) == REGULARIZERS.names()


@pytest.mark.parametrize("name", NETWORKS)
def test_what_cannot_be_says_why_before_training(name: str) -> None:
    """An architecture with kernels and an optimizer always can; where a row cannot, each
    regularizer is tried alone."""
    of = subjects.architecture(name)
    for optimizer in OPTIMIZERS.names():
        members = row(name, optimizer)
        if not refusal(of, optimizer, members):
            continue
        if why := refusal(of, optimizer, ()):
            assert name in ("point", "two_points")
            assert "kernels" in why
            continue
        for entry in members:
            why = refusal(of, optimizer, [entry])
            assert not why or entry.name in why or "arch" in why, why
            assert "\n" not in why


def test_each_regularizer_can_be_somewhere() -> None:
    """Among the architectures that differ most in what they have; l1_prox is gradient descent's
    alone."""
    cnn, gru, mlp, vit = map(subjects.architecture, ("cnn", "gru", "mlp", "vit"))
    residual = Subject({**mlp.settings, "arch.residual": True}, mlp.data)
    for entry in REGULARIZERS:
        tried = (cnn, gru, mlp, vit, residual)
        assert not all(refusal(of, "sgd", [entry]) for of in tried), entry.name


@pytest.mark.parametrize(("name", "optimizer", "members"), TRAINED, ids=lambda value: str(value))
def test_a_lane_is_the_run_alone(name: str, optimizer: str, members: tuple[str, ...]) -> None:
    """Law 2, two steps of it, beside lanes at other rates."""
    of = subjects.architecture(name)
    chosen = settings(optimizer, map(REGULARIZERS.get, members))
    runs = [of.run(**chosen, seed=seed, learning_rate=0.01 * (1 + seed)) for seed in range(3)]
    together = steps(runs, of.data.data, len(runs), 2)
    assert not (wrong := beyond_rounding(lane(together, 1), runs[1], of.data.data, 2)), wrong
