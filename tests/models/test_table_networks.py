"""Networks for tables against PyTorch, with the same weights; where they begin; what they refuse."""

import json
from types import SimpleNamespace
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from torch import Tensor

from research import config as config_lib
from research.data import in_memory
from research.data.features.table_columns import TableColumns
from research.data.features.table_parts import TableParts
from research.errors import UserError
from research.models.dcn2 import DCN2
from research.models.ft_transformer import FTTransformer
from research.models.layers.forward import Forward
from research.models.layers.number_embedding import bins_of, share_of_bins
from research.models.layers.table_network import TableNetwork, embeds
from research.models.sizes import sizes
from research.models.snn import SNN
from research.models.tabm import TabM
from research.models.tabular_mlp import TabularMLP
from research.models.tabular_resnet import TabularResNet
from research.models.wide_deep import WideDeep
from research.sweeps.plan.basis import applied, basis_of
from research.sweeps.records.record import Record
from research.testing import subjects
from research.training.setup.lane_inputs import make_lane_inputs
from tests.models import torch_tables
from tests.support.networks import outputs, started

COUNTS = (2, 3)
FEATURES = TableParts((8,), table=TableColumns((8,), tuple("abcdefgh"), categories=(0, 2, 0, 3, 0)))
RNG = np.random.default_rng(0)
# The last number has one value in more than half of its rows, so that it has fewer bins.
NUMBERS = RNG.normal(size=(20, 3)).astype(np.float32)
NUMBERS[:12, 2] = 0.5
X = {
    "numbers": NUMBERS,
    "categories": np.stack([RNG.integers(0, n, 20) for n in COUNTS], axis=1).astype(np.int32),
}
BATCH_NORM = Forward(members=(("batch_norm", (("momentum", 0.9), ("scale", True))),))
BINS = 5


def redrawn(variables: Any) -> Any:
    """The variables that a network begins with, each number moved up, so that none is 0 or 1."""
    rng = np.random.default_rng(1)
    return jax.tree.map(
        lambda leaf: leaf + rng.uniform(0.1, 0.6, leaf.shape).astype(np.float32),
        jax.device_get(variables),
    )


def compared(model: Any, reference: Any, fwd: Forward = Forward()) -> Any:  # noqa: B008
    """Our outputs and the reference's (variables, numbers, categories), of the same weights."""
    variables = redrawn(started(model, X, fwd))
    got = np.asarray(outputs(model, variables, X, fwd))
    with torch.no_grad():
        x = (torch_tables.tensor(X[name]) for name in ("numbers", "categories"))
        expected = reference(variables, *x).numpy()
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
    return variables["params"]


def columns(params: Any, numbers: Tensor, categories: Tensor) -> Tensor:
    """Numbers and one-hot categories."""
    return torch.cat([numbers, torch_tables.one_hot(categories, COUNTS)], dim=1)


def embedded(params: Any, numbers: Tensor, categories: Tensor) -> Tensor:
    """Numbers and the vectors of categories."""
    table = params["CategoryEmbedding_0"]["embedding"]
    vectors = torch_tables.category_vectors(table, categories, COUNTS)
    return torch.cat([numbers, vectors.flatten(1)], dim=1)


def test_mlp_resnet_snn_and_cross_network_are_pytorchs() -> None:
    compared(
        TabularMLP(2, FEATURES, hidden=(5, 4)),
        lambda v, *x: torch_tables.mlp(v["params"], columns(v["params"], *x), 2),
    )
    compared(
        TabularMLP(2, FEATURES, hidden=(5,), category_width=3),
        lambda v, *x: torch_tables.mlp(v["params"], embedded(v["params"], *x), 1),
    )
    compared(
        TabularResNet(2, FEATURES, layers=2, width=6, hidden=4, category_width=2),
        lambda v, *x: torch_tables.resnet(v, embedded(v["params"], *x), 2),
        BATCH_NORM,
    )
    compared(
        SNN(2, FEATURES, hidden=(5, 4)),
        lambda v, *x: torch_tables.snn(v["params"], columns(v["params"], *x), 2),
    )


@pytest.mark.parametrize("stacked", [False, True])
def test_dcn2_is_pytorchs(stacked: bool) -> None:
    compared(
        DCN2(2, FEATURES, width=4, cross_layers=2, layers=2, stacked=stacked),
        lambda v, *x: torch_tables.dcn2(
            v["params"], columns(v["params"], *x), cross=2, deep=2, stacked=stacked
        ),
    )


@pytest.mark.parametrize("order", ["pre", "post"])
def test_ft_transformer_is_pytorchs(order: Any) -> None:
    def reference(variables: Any, numbers: Tensor, categories: Tensor) -> Tensor:
        params = variables["params"]
        line = {name: torch_tables.tensor(a) for name, a in params["LinearEmbedding_0"].items()}
        table = params["CategoryEmbedding_0"]["embedding"]
        vectors = torch_tables.category_vectors(table, categories, COUNTS)
        answer = torch_tables.tensor(params["answer"]).expand(len(numbers), 1, -1)
        tokens = [
            answer,
            numbers[..., None] * line["weight"] + line["bias"],
            vectors + torch_tables.tensor(params["bias"]),
        ]
        return torch_tables.ft_transformer(
            params, torch.cat(tokens, dim=1), layers=2, heads=2, pre=order == "pre"
        )

    compared(
        FTTransformer(2, FEATURES, layers=2, heads=2, width=4, hidden=3, order=order), reference
    )


def test_wide_and_deep_adds_a_linear_model_and_pairs_of_categories() -> None:
    def reference(variables: Any, numbers: Tensor, categories: Tensor) -> Tensor:
        params = variables["params"]
        x = columns(params, numbers, categories)
        pairs = torch_tables.tensor(params["cross_0_1"])[categories[:, 0], categories[:, 1]]
        return torch_tables.mlp(params, x, 1) + torch_tables.linear(params["wide"])(x) + pairs

    compared(WideDeep(2, FEATURES, hidden=(4,), crosses=True), reference)


@pytest.mark.parametrize("kind", ["linear", "periodic", "piecewise_linear"])
def test_number_embeddings_are_pytorchs(kind: Any) -> None:
    edges = [
        np.unique(np.quantile(column, np.linspace(0, 1, BINS + 1)).astype(np.float32))
        for column in NUMBERS.T
    ]
    assert [len(of_number) for of_number in edges] == [6, 6, 5]

    def reference(variables: Any, numbers: Tensor, categories: Tensor) -> Tensor:
        params = variables["params"]
        if kind == "linear":
            line = {n: torch_tables.tensor(a) for n, a in params["LinearEmbedding_0"].items()}
            vectors = numbers[..., None] * line["weight"] + line["bias"]
        elif kind == "periodic":
            vectors = torch_tables.periodic(params["PeriodicEmbedding_0"], numbers)
        else:
            embedding = params["PiecewiseLinearEmbedding_0"]
            vectors = torch_tables.piecewise_linear(embedding, numbers, edges)
        return torch_tables.mlp(params, columns(params, vectors.flatten(1), categories), 1)

    constants = jax.tree.map(jnp.float32, bins_of(NUMBERS, BINS))
    model = TabularMLP(
        2, FEATURES, hidden=(4,), number_embedding=kind, number_width=3, bins=BINS, frequencies=2
    )
    compared(model, reference, Forward(constants=constants))


def test_shares_of_bins_go_on_beyond_the_edges() -> None:
    """Edges 0, 1, 3 and 9; a number with one bin; one without any."""
    rows = np.array([[0, 2, 7], [1, 4, 7], [3, 2, 7], [9, 4, 7]], np.float32)
    bins = bins_of(rows, 3)
    x = jnp.array([[-1, 1, 9], [2, 5, 7], [12, 3, 5]])
    e = share_of_bins(x, *map(jnp.asarray, (bins["low"], bins["steepness"])))
    np.testing.assert_allclose(e[:, 0], [[-1.0, 0, 0], [1, 0.5, 0], [1, 1, 1.5]])
    # The quantiles of 2, 2, 4, 4 at a third and two thirds are 2 and 4, so there is one bin.
    np.testing.assert_allclose(e[:, 1], [[0, 0, -0.5], [0, 0, 1.5], [0, 0, 0.5]])
    np.testing.assert_array_equal(e[:, 2], np.zeros((3, 3)))


@pytest.mark.parametrize("adapters", ["tabm", "mini", "packed"])
def test_each_member_is_an_mlp(adapters: Any) -> None:
    """Member m in numpy, of the weights W ∘ (r_m s_m')."""
    model = TabM(2, FEATURES, hidden=(5, 4), members=3, adapters=adapters, category_width=3)
    variables = redrawn(started(model, X))
    params = variables["params"]
    got = outputs(model, variables, X)
    chex.assert_shape(got, (20, 3, 2))
    table = params["CategoryEmbedding_0"]["embedding"]
    vectors = table[X["categories"] + [0, 2]].reshape(20, -1)
    for m in range(3):
        h = np.concatenate([X["numbers"], vectors], axis=1)
        h = h * params["r"][m] if adapters == "mini" else h
        for i, width in enumerate((5, 4, 2)):
            h = member_layer(params, adapters, i, m, width)(h)
            h = np.maximum(h, 0) if i < 2 else h
        np.testing.assert_allclose(got[:, m], h, rtol=1e-5, atol=1e-5 * np.abs(h).max())


def member_layer(params: Any, adapters: str, i: int, m: int, width: int) -> Any:
    """The layer of that number of member m, as a function of [B, D]."""
    if adapters == "packed" or i == 2:
        heads = params[f"MemberHeads_{i if adapters == 'packed' else 0}"]
        kernel, bias = heads["kernel"][:, m * width : (m + 1) * width], heads["bias"][m]
    elif adapters == "mini":
        layer = params[f"TorchLinear_{i}"]["Dense_0"]
        kernel, bias = layer["kernel"], layer["bias"]
    else:
        layer = params[f"MemberDense_{i}"]
        kernel = layer["kernel"] * np.outer(layer["r"][m], layer["s"][m])
        bias = layer["bias"][m]
    return lambda h: h @ kernel + bias


def test_tabm_begins_as_its_paper_says() -> None:
    def begun(**options: Any) -> Any:
        return started(TabM(1, FEATURES, hidden=(4, 4), members=64, **options), X)["params"]

    plain, vectors = begun(), begun(number_embedding="linear", number_width=2, adapters="mini")
    first, second = plain["MemberDense_0"], plain["MemberDense_1"]
    assert set(np.unique(first["r"])) == {-1, 1}
    assert set(np.unique(np.concatenate([first["s"], second["r"], second["s"]]))) == {1}
    # One sign for each column: 3 numbers, and categories of two and of three one-hot columns.
    np.testing.assert_array_equal(first["r"][:, [3, 5, 5]], first["r"][:, [4, 6, 7]])
    assert (first["r"][:, 3] != first["r"][:, 5]).any()
    # Members begin with one bias, in [-1/√8, 1/√8].
    assert (first["bias"] == first["bias"][0]).all()
    assert 0 < np.abs(first["bias"]).max() <= 1 / np.sqrt(8)
    assert (plain["MemberHeads_0"]["bias"][0] != plain["MemberHeads_0"]["bias"][1]).all()
    np.testing.assert_array_equal(vectors["r"][:, [0, 2, 4]], vectors["r"][:, [1, 3, 5]])
    assert not np.isin(vectors["r"], (-1, 1)).any()
    assert abs(vectors["r"].std() - 1) < 0.2


def test_weights_begin_in_pytorchs_range() -> None:
    params = started(TabularMLP(1, FEATURES, hidden=(1000,)), X)["params"]["TorchLinear_0"][
        "Dense_0"
    ]
    for leaf in (params["kernel"], params["bias"]):
        np.testing.assert_allclose(np.abs(leaf).max(), 1 / np.sqrt(8), rtol=0.01)
        np.testing.assert_allclose(leaf.std(), 1 / np.sqrt(3 * 8), rtol=0.05)
    kernel = started(SNN(1, FEATURES, hidden=(1000,)), X)["params"]["Dense_0"]["kernel"]
    np.testing.assert_allclose(kernel.std(), 1 / np.sqrt(8), rtol=0.05)


def test_a_category_that_is_not_there_is_zeros() -> None:
    model = TabularMLP(2, FEATURES, hidden=(4,), category_width=3)
    params = redrawn(started(model, X))["params"]
    unknown = {**X, "categories": np.full((20, 2), -1, np.int32)}
    blank = {**params, "CategoryEmbedding_0": {"embedding": np.zeros((5, 3), np.float32)}}
    np.testing.assert_array_equal(
        outputs(model, {"params": params}, unknown), outputs(model, {"params": blank}, X)
    )


def test_counts_of_the_authors_networks() -> None:
    """`n_parameters` of the reports and tables of the papers' code on eight numbers."""
    table = TableParts((8,), table=TableColumns((8,)))

    def count(model: TableNetwork | FTTransformer) -> int:
        return sizes(model, {"numbers": [8]})[1]

    assert count(TabularMLP(1, table, hidden=(208, 208))) == 45553
    periodic = TabularMLP(
        1, table, hidden=(832,), number_embedding="periodic", number_width=28, frequencies=60
    )
    assert count(periodic) == 215617
    assert count(FTTransformer(1, table, width=272, hidden=637, order="post")) == 2463247


def test_bins_are_of_the_training_rows_of_each_lane() -> None:
    settings = {
        "arch": "tabular_mlp",
        "arch.hidden": (4,),
        "arch.number_embedding": "piecewise_linear",
        "arch.bins": 3,
        "split_seed": None,
    }
    case = subjects.Subject({**subjects.SETTINGS, **settings}, in_memory.table())
    lanes = [lane_of(case, seed) for seed in (0, 1)]
    for lane in lanes:
        rows = np.asarray(case.data.data.x)[lane.train]
        seen = (rows - lane.shift["numbers"]) / lane.scale["numbers"]
        expected = bins_of(seen.astype(np.float32), 3)
        np.testing.assert_allclose(lane.constants["low"], expected["low"], rtol=1e-5, atol=1e-6)
    assert (lanes[0].constants["low"] != lanes[1].constants["low"]).any()


def test_bins_and_curves_are_kept_with_a_run() -> None:
    """Of numbers and categories, through JSON."""
    settings = {
        "arch": "tabular_mlp",
        "arch.number_embedding": "piecewise_linear",
        "arch.bins": 3,
        "scaling": "quantile",
    }
    case = subjects.Subject({**subjects.SETTINGS, **settings}, in_memory.categories())
    run = case.run()
    stored = json.loads(json.dumps(basis_of(run, case.data.data)))
    record = Record(run.id, "finished", config_lib.to_flags(run.config))
    _, lane = applied(record, stored, warn=pytest.fail)
    expected = lane_of(case, seed=0)
    for name in ("constants", "statistics"):
        chex.assert_trees_all_equal(getattr(lane, name), getattr(expected, name))


def lane_of(case: subjects.Subject, seed: int) -> Any:
    run = case.run(seed=seed)
    return make_lane_inputs(run.config, run.program, case.data.data).lane


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"arch.bins": 9}, "bins applies only with arch.number_embedding=piecewise_linear"),
        ({"arch.number_width": 3}, "number_width applies only with an arch.number_embedding"),
        ({"arch.category_width": 3}, "category_width embeds categories, and memory has none"),
        (
            {"arch": "wide_deep", "arch.crosses": True},
            "two columns of categories, and memory has 0",
        ),
    ],
)
def test_what_would_have_no_effect_is_refused(settings: Any, message: str) -> None:
    case = subjects.Subject({"arch": "tabular_mlp", **settings}, in_memory.table())
    with pytest.raises(UserError, match=message):
        case.run()


def test_without_numbers_only_an_embedding_that_was_asked_for_is_refused() -> None:
    categories = TableColumns((2,), ("a=x", "a=y"), categories=(2,))
    spec = SimpleNamespace(inputs=TableParts((2,), table=categories), name="memory")

    def said(**settings: str) -> str | None:
        named = {name.replace("__", "."): value for name, value in settings.items()}
        return embeds(config_lib.resolve(named)[0], spec)

    assert said(arch="ft_transformer") is None
    refused = said(arch="tabular_mlp", arch__number_embedding="linear")
    assert refused is not None
    assert "embeds numbers, and memory has none" in refused
