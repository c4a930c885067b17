"""The configs of the golden file: every kind of data, every slot, every family of networks, on a
few rows."""

from typing import Any

Settings = dict[str, Any]

DIGITS: Settings = {
    "dataset": "digits",
    "train_size": 48,
    "batch_size": 16,
    "epochs": 1,
    "arch.hidden": "8",
}
IMAGES: Settings = {"dataset": "digits", "train_size": 24, "batch_size": 8, "epochs": 1}
IRIS: Settings = {"dataset": "iris", "batch_size": 30, "epochs": 2, "arch": "linear"}
DIABETES: Settings = {
    "dataset": "diabetes",
    "batch_size": 50,
    "epochs": 1,
    "learning_rate": 0.01,
    "target_scaling": "standard",
    "arch.hidden": "8",
}
STRINGS: Settings = {
    "dataset": "reverse_strings",
    "dataset.size": 60,
    "dataset.test": 10,
    "batch_size": 10,
    "epochs": 1,
    "optimizer": "adam",
    "learning_rate": 0.01,
}
SERIES: Settings = {
    "dataset": "noisy_ar2",
    "dataset.length": 300,
    "dataset.context": 8,
    "batch_size": 16,
    "epochs": 1,
    "learning_rate": 0.01,
    "train_size": 64,
}
ADDING: Settings = {
    "dataset": "adding",
    "dataset.size": 60,
    "dataset.test": 10,
    "dataset.length": 8,
    "dataset.shortest": 4,
    "batch_size": 10,
    "epochs": 1,
    "learning_rate": 0.01,
}
TEXT: Settings = {
    "dataset": "text:poem.txt",
    "context": 8,
    "batch_size": 8,
    "epochs": 1,
    "train_size": 32,
}
TABLE: Settings = {
    "dataset": "csv:table.csv",
    "target": "y",
    "batch_size": 10,
    "epochs": 2,
    "arch": "linear",
}
SHAPES: Settings = {
    "dataset": "shapes",
    "dataset.size": 24,
    "dataset.test": 8,
    "batch_size": 8,
    "epochs": 1,
}
RECONSTRUCTION: Settings = {
    **IMAGES,
    "task": "reconstruction",
    "scaling": "none",
    "learning_rate": 0.01,
}

CONFIGS: dict[str, Settings] = {
    # dense networks, optimizers, schedules
    "mlp": DIGITS,
    "mlp of another seed": {**DIGITS, "seed": 3},
    "full batch": {**DIGITS, "batch_size": "full", "epochs": 3},
    "padded remainder": {**DIGITS, "train_size": 50, "remainder": "pad"},
    "accumulated": {**DIGITS, "accumulate": 2},
    "linear classes": IRIS,
    "linear values": {**DIABETES, "arch": "linear", "arch.hidden": None},
    "perceptron": {**IRIS, "arch": "mlp", "arch.hidden": "4", "loss": "hinge"},
    "regression": DIABETES,
    "adam, cosine": {**DIGITS, "optimizer": "adam", "learning_rate": 0.01, "schedule": "cosine"},
    "nesterov, warm-up": {
        **DIGITS,
        "optimizer.momentum": 0.9,
        "optimizer.nesterov": True,
        "schedule.warmup": "2",
    },
    "chain": {
        **DIGITS,
        "optimizer": "chain(clip_by_global_norm(1.0), scale_by_adam(b1=0.8))",
        "learning_rate": 0.01,
    },
    "sam": {**DIGITS, "optimizer": "sam"},
    "muon": {**DIGITS, "optimizer": "muon", "learning_rate": 0.01},
    # a regularizer of every slot
    "data": {
        **IMAGES,
        "arch": "mlp",
        "arch.hidden": "8",
        "regularization": "shift=1,input_noise=0.1",
    },
    "targets": {**DIGITS, "regularization": "label_smoothing=0.1,mixup=0.2"},
    "activations": {**DIGITS, "regularization": "dropout=0.3,activation_noise=0.1"},
    "parameters": {**DIGITS, "regularization": "weight_noise=0.05,weight_norm"},
    "normalization": {**DIGITS, "regularization": "batch_norm"},
    "loss": {**DIGITS, "regularization": "l2=1e-3,activity_penalty=1e-3"},
    "update": {**DIGITS, "regularization": "clip_norm=0.5,gradient_noise=0.1"},
    "projection": {**DIGITS, "regularization": "max_norm=1"},
    "average": {**DIGITS, "regularization": "ema=0.9"},
    "stopping": {**DIGITS, "epochs": 4, "regularization": "early_stopping=1"},
    # images
    "cnn": {**IMAGES, "arch": "cnn", "arch.channels": "2,3", "arch.dense": "4"},
    "densenet": {**IMAGES, "arch": "densenet", "arch.blocks": "1,1", "arch.growth": 2},
    "resnet": {**IMAGES, "arch": "resnet", "arch.depth": 8, "arch.channels": 2},
    "vit": {
        **IMAGES,
        "arch": "vit",
        "arch.layers": 1,
        "arch.heads": 2,
        "arch.width": 8,
        "arch.patch": 2,
    },
    "unet": {**SHAPES, "arch": "unet", "arch.levels": 1, "arch.width": 2},
    "autoencoder": {**RECONSTRUCTION, "arch": "autoencoder", "arch.hidden": "6", "arch.code": 3},
    "vae": {
        **RECONSTRUCTION,
        "arch": "vae",
        "arch.latents": 2,
        "arch.channels": 2,
        "arch.dense": 3,
    },
    # sequences
    "rnn": {**ADDING, "arch": "rnn", "arch.hidden": 4},
    "lstm": {**ADDING, "arch": "lstm", "arch.hidden": 4},
    "gru": {**ADDING, "arch": "gru", "arch.hidden": 4},
    "tcn": {**ADDING, "arch": "tcn", "arch.channels": 4, "arch.levels": 2, "arch.kernel": 2},
    "transformer encoder": {
        **ADDING,
        "arch": "transformer_encoder",
        "arch.layers": 1,
        "arch.heads": 2,
        "arch.width": 8,
    },
    "autoregression": {**SERIES, "arch": "ar", "arch.order": 3},
    "latent autoregression": {**SERIES, "arch": "latent_ar", "arch.state": 3},
    "seq2seq": {**STRINGS, "arch": "seq2seq", "arch.hidden": 6, "arch.embedding": 4},
    "gpt": {**TEXT, "arch": "gpt", "arch.layers": 1, "arch.heads": 2, "arch.width": 8},
    # files
    "csv": TABLE,
    "csv, another strategy": {**TABLE, "learning_rate": 0.05},
}


# Those that are trained in a second execution strategy too: two lanes, one of them idle.
TWICE = ("mlp", "cnn", "gru")


def write_files(folder: Any) -> None:
    """The files that the configs name."""
    (folder / "poem.txt").write_text("the quick brown fox jumps over the lazy dog; " * 12)
    rows = [f"{place % 7},{'abc'[place % 3]},{place % 2}" for place in range(60)]
    (folder / "table.csv").write_text("size,kind,y\n" + "\n".join(rows) + "\n")
