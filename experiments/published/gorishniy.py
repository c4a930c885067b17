"""Networks and boosted trees on California housing, at the papers' tuned settings: test RMSE in
units of 100,000 dollars.

The first rows are of Gorishniy et al. 2021 (an MLP, ResNet, SNN, DCN2 and FT-Transformer, XGBoost
and LightGBM; 15 seeds, and ensembles of five), the others of TabM (Gorishniy, Kotelnikov & Babenko,
ICLR 2025; 15 seeds). The data are scikit-learn's, as a file in the current folder:
    python -c "from sklearn.datasets import fetch_california_housing as f; \
        f(as_frame=True).frame.to_csv('california.csv', index=False)"
    python -m launch.table --experiment=gorishniy
A run of the MLP takes some two minutes on two cores. The FT-Transformer and the rows of TabM are
for a GPU.
"""

from typing import Any

from research.sweeps.column import Column, Published
from research.sweeps.experiment import EXPERIMENTS, Experiment

COLUMN = "test RMSE"
SEEDS = 15
STOPPING = "early_stopping(16,metric=rmse)"
TREES = {"scaling": "none", "arch.n_estimators": 2000, "arch.early_stopping_rounds": 50}


def network(
    arch: str, rate: float, decay: float, noise: str = "", **options: Any
) -> dict[str, object]:
    """The settings of a network.

    Args:
        arch: its name.
        rate: the learning rate.
        decay: the weight decay.
        noise: its dropouts, as `--regularization` takes them.
        **options: of the architecture.
    """
    return {
        "arch": arch,
        "learning_rate": rate,
        "optimizer.weight_decay": decay,
        "regularization": ",".join(filter(None, (noise, STOPPING))),
        **{f"arch.{name}": value for name, value in options.items()},
    }


def clipped(
    arch: str, rate: float, decay: float, noise: str = "", **options: Any
) -> dict[str, object]:
    """The settings of a network of TabM's paper, whose gradients are clipped.

    Args:
        arch: its name.
        rate: the learning rate.
        decay: the weight decay.
        noise: its dropouts, as `--regularization` takes them.
        **options: of the architecture.
    """
    noise = ",".join(filter(None, (noise, "clip_norm=1")))
    return network(arch, rate, decay, noise, **options)


SINGLE = {
    "MLP": network(
        "tabular_mlp",
        0.001304086404538407,
        0.0001516844843295177,
        "dropout=0.1973063643675128",
        hidden=(510, 263, 363),
    ),
    "ResNet": network(
        "tabular_resnet",
        0.001759485551174299,
        0.0009508455223812318,
        "dropout=0.4456540496119129",
        layers=3,
        width=168,
        hidden=501,
    ),
    "SNN": network(
        "snn",
        0.0006934187693034226,
        0.0,
        "alpha_dropout=0.009685943619629035",
        hidden=(245, 67, 67, 67, 67, 210),
    ),
    "DCN2": network(
        "dcn2",
        0.0001009730838468397,
        0.0004178941373648751,
        "dropout=0.2327454292387794,residual_dropout=0.4349835801947125",
        width=248,
        cross_layers=3,
        layers=7,
    ),
    "FT-Transformer": network(
        "ft_transformer",
        9.230462560646988e-05,
        2.242573649081314e-06,
        "dropout=0.1462394754853018,attention_dropout=0.4518858598707761",
        width=272,
        hidden=637,
        order="post",
    ),
    "XGBoost": {
        **TREES,
        "arch": "xgboost",
        "arch.learning_rate": 0.01692663318141898,
        "arch.max_depth": 7,
        "arch.min_child_weight": 4.938577932813415e-07,
        "arch.subsample": 0.8809410504096843,
        "arch.colsample_bytree": 0.6982640721679332,
        "arch.colsample_bylevel": 0.9386585839364029,
        "arch.gamma": 0.0004073044246625506,
        "arch.reg_alpha": 3.561307653096638e-08,
        "arch.reg_lambda": 0.0,
    },
    "LightGBM": {
        **TREES,
        "arch": "lightgbm",
        "arch.learning_rate": 0.05103975648870699,
        "arch.num_leaves": 89,
        "arch.min_child_samples": 7,
        "arch.min_child_weight": 1.203249737205825e-05,
        "arch.subsample": 0.9400969821656356,
        "arch.colsample_bytree": 0.6341668249481799,
        "arch.reg_lambda": 0.003072399858684232,
    },
}
OF_FIVE = {
    f"{label}, ensemble of 5": {**settings, "ensemble": "seeds(5)"}
    for label, settings in SINGLE.items()
}
TABM = {
    "MLP, clipped": clipped(
        "tabular_mlp",
        0.0005635553682721966,
        0.028758690586743314,
        noise="dropout=0.17186995074626696",
        hidden=(208, 208),
    ),
    "MLP, periodic": clipped(
        "tabular_mlp",
        0.000683241476581052,
        0.0,
        noise="dropout=0.46608196099475224",
        hidden=(832,),
        number_embedding="periodic",
        number_width=28,
        frequencies=60,
        frequency_scale=0.4706704104857685,
    ),
    "MLP, piecewise-linear": clipped(
        "tabular_mlp",
        3.8853926878343136e-05,
        0.0,
        noise="dropout=0.2608234039902446",
        hidden=(672, 672),
        number_embedding="piecewise_linear",
        number_width=20,
        bins=108,
    ),
    "TabM": clipped(
        "tabm",
        0.0008468726533903873,
        0.0,
        noise="dropout=0.1697377329739597",
        hidden=(352, 352, 352),
    ),
    "TabM mini": clipped(
        "tabm",
        0.0035877855055371265,
        0.0,
        hidden=(112, 112, 112, 112, 112),
        adapters="mini",
    ),
    "TabM, piecewise-linear": clipped(
        "tabm",
        0.0007017956168956187,
        0.0,
        noise="dropout=0.11151223652620883",
        hidden=(176, 176, 176, 176),
        number_embedding="piecewise_linear",
        number_width=24,
        bins=98,
    ),
    "TabM mini, piecewise-linear": clipped(
        "tabm",
        0.0004493792293611738,
        0.0,
        noise="dropout=0.22882588422851136",
        hidden=(736, 736, 736, 736),
        adapters="mini",
        number_embedding="piecewise_linear",
        number_width=24,
        bins=99,
    ),
}
# Mean and standard deviation over 15 seeds, or over three ensembles of five.
VALUES = {
    "MLP": (0.4985, 0.0031),
    "ResNet": (0.4856, 0.0031),
    "SNN": (0.4933, 0.0048),
    "DCN2": (0.4837, 0.0025),
    "FT-Transformer": (0.4591, 0.0036),
    "XGBoost": (0.4334, 0.0017),
    "LightGBM": (0.4322, 0.0036),
    "MLP, clipped": (0.4948, 0.0058),
    "MLP, periodic": (0.4597, 0.0058),
    "MLP, piecewise-linear": (0.4530, 0.0029),
    "TabM": (0.4509, 0.0032),
    "TabM mini": (0.4476, 0.0036),
    "TabM, piecewise-linear": (0.4309, 0.0033),
    "TabM mini, piecewise-linear": (0.4314, 0.0036),
}
VALUES_OF_FIVE = {
    "MLP": (0.4869, 0.0010),
    "ResNet": (0.4780, 0.0010),
    "SNN": (0.4778, 0.0013),
    "DCN2": (0.4772, 0.0005),
    "FT-Transformer": (0.4480, 0.0009),
    "XGBoost": (0.4314, 0.0004),
    "LightGBM": (0.4268, 0.0015),
}

EXPERIMENTS.add(
    Experiment(
        name="gorishniy",
        summary="California housing: networks for tables and boosted trees at their tuned settings",
        base={
            "dataset": "csv:california.csv",
            "target": "MedHouseVal",
            "split": "13209:3303:4128",
            "split_seed": 0,
            "scaling": "quantile",
            "optimizer": "adamw",
            "batch_size": 256,
            "remainder": "pad",
            "epochs": 300,
            "metrics": "rmse",
        },
        arms={**SINGLE, **OF_FIVE, **TABM},
        columns=(Column(COLUMN, "test/rmse", better="lower"),),
        baseline="MLP",
        seeds=SEEDS,
        arm_seeds=dict.fromkeys(OF_FIVE, 3),
        published={
            **{(label, COLUMN): Published(mean, sd, SEEDS) for label, (mean, sd) in VALUES.items()},
            **{
                (f"{label}, ensemble of 5", COLUMN): Published(mean, sd, 3)
                for label, (mean, sd) in VALUES_OF_FIVE.items()
            },
        },
        notes=(
            "Published: mean ± standard deviation over 15 seeds, or over three ensembles of five.",
            (
                "The authors' split of the same sizes is not published, so that levels, gaps and"
                " order are compared. Biases are not decayed here, and theirs of 2021 are."
            ),
            (
                "The rows of TabM are those whose members share their batches; with batches of"
                " their own, TabM has 0.4414, mini 0.4479, and with piecewise-linear numbers 0.4293"
                " and 0.4275."
            ),
        ),
        paper=(
            "Gorishniy et al. 2021, Revisiting deep learning models for tabular data; Gorishniy,"
            " Kotelnikov & Babenko, TabM, ICLR 2025"
        ),
    )
)
