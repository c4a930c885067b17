"""Bad input: one clear line that says what is wrong and what would be right, exit code 2, nothing
lost."""

import shlex
from pathlib import Path

import pytest

from tests.support.command_lines import Result, run_all

# A command line, and what its one line must say.
CASES = {
    "train --optimzer=adam": "unknown flag --optimzer; did you mean --optimizer=adam",
    "train --zzz=3": "unknown flag --zzz",
    "train --arch=mpl": "unknown architecture 'mpl'; did you mean mlp?",
    "train --arch.hiden=3": "did you mean hidden?",
    "train --optimizer=adam --optimizer.momentum=0.9": (
        "adam has no option 'momentum'; known: b1, b2, eps"
    ),
    "train --regularization=dropot=0.5": "did you mean dropout",
    "train --regularization=dropout=1.5": "dropout.rate=1.5 is out of range; it must be in [0, 1)",
    "train --regularization=dropout": "dropout needs a value for rate",
    "train --regularization=dropout=": "not of the form name=value",
    "train --regularization=batch_norm,layer_norm": "both of the slot normalization",
    "train --arch=linear --regularization=dropout=0.5": (
        "dropout acts on hidden units, and arch=linear has none"
    ),
    "train --regularization=stochastic_depth=0.2": "acts on residual branches",
    "train --dataset=diabetes --regularization=label_smoothing=0.1": "the task is regression",
    "train --dataset=wine --class_weight='{class_O: 2}'": (
        "class_weight: there is no class 'class_O'; did you mean class_"
    ),
    "train --class_weight=even": "class_weight: 'even' is neither balanced nor a weight per class",
    "train --dataset=diabetes --class_weight=balanced": "and diabetes is for regression",
    "train --arch=lda --class_weight=balanced": (
        "arch=lda does not weigh examples; leave --class_weight out, or take one that does"
    ),
    "train --batch_size=5000": "larger than the 1437 training rows",
    "train --schedule=cosine --schedule.warmup=1000epochs": "longer than the training",
    "train --schedule.warmup=abc": "not a duration",
    "train --optimizer=chain(": "never closes",
    "train --optimizer=chain()": "has no members",
    "train --optimizer=chain(scale_by_adm())": "did you mean scale_by_adam",
    "train --optimizer=chain(adam(0.1))": "brings its own learning rate",
    "train --optimizer=chain(clip(a=1))": "clip has no 'a'; known: max_delta",
    "power --experiment=over_datasets": "over 4 data sets, and launch.power plans the seeds of one",
    "variance --experiment=over_datasets": "name one, as --row='none, iris'",
    "train --split=8:x": "expected two or three whole numbers",
    "train --split=1:0": "expected two or three whole numbers",
    "sweep --grid=learning_rate": "not of the form setting=value|value",
    "sweep --grid=learning_rat=1|2": "did you mean learning_rate?",
    "sweep --grid=learning_rate=1|1": "has a value twice",
    "sweep --grid=learning_rate=1||2": "has an empty value",
    "sweep --grid=learning_rate=0.01|1e-2": "learning_rate has a value twice: 0.01 and 1e-2",
    "sweep --grid=learning_rate=1|x": "learning_rate=x: expected a number",
    "sweep --grid=learning_rate=log(1e-4,1)": "use --sample",
    "sweep --sample=learning_rate=log(1,0) --samples=2": "needs low < high",
    "sweep --sample=learning_rate=log(1e-4,1)": "--sample and --samples go together",
    "sweep --zip=learning_rate=1|2": "has one axis",
    "sweep --zip='learning_rate=1|2; epochs=1'": "equally many values",
    "sweep --grid=dataset=digits|diabetes": (
        "different metrics: accuracy (dataset=digits) and mse (dataset=diabetes)"
    ),
    "sweep --seeds=abc": "--seeds=abc",
    "sweep --grid=optimizer=sgd|adam --arch.foo=3": "--arch.foo is not used",
    "sweep --grid=learning_rate=1|2 --learning_rate=3": "an axis sets it too",
    "train --regularization=dropout=0.5 --regularization.dropout=0.1": (
        "sets regularization.dropout already"
    ),
    "sweep --regularization=dropout(rate=0.5) --grid=regularization.dropout.rate=0.1|0.3": (
        "dropout.rate already"
    ),
    "tune --regularization=max_norm=2,l2=0.1 --sample=regularization.l2=log(1e-4,1)": (
        "sets regularization.l2 already"
    ),
    "train --optimizer=chain(scale_by_adam(b1=0.9)) --optimizer.scale_by_adam.b1=0.8": (
        "adam.b1 already; leave one"
    ),
    "train --dataset=digits --select=anova(3)": "the inputs of digits are images [8, 8, 1]",
    "train --dataset=wine --select=anova(99)": "select=anova(99): wine has only 13 features",
    "train --dataset=wine --select=anova(3) --reduce=pca(2)": "leave one of them out",
    "train --dataset=wine --select=anvoa(3)": "did you mean anova?",
    "train --dataset=wine --drop_feature=alcohl": "no such column; did you mean alcohol?",
    "train --dataset=wine --drop_feature=each": "--grid='drop_feature=none|each'",
    "train --dataset=wine --features=ratio(alcohol,hoe)": "no column 'hoe'; did you mean hue?",
    "train --dataset=wine --features=bins(alcohol,5) --scaling=quantile": "cannot be combined",
    "train --dataset=wine --features=bins(alcohol,5) --arch=tabm": (
        "arch=tabm takes tables of numbers and categories; wine has a table of 13 numbers"
    ),
    "train --dataset=digits --features=polynomial(2)": "images [8, 8, 1]; leave it out",
    "train --dataset=csv:nofile.csv --target=y": "nofile.csv: No such file",
    "train --dataset=csv:empty.csv --target=y": "empty.csv is empty",
    "train --dataset=csv:header.csv --target=y": "has a header but no rows",
    "train --dataset=csv:missing.csv --target=z": "has no column 'z'; known: a, b, y",
    "train --dataset=csv:missing.csv": "needs --target=COLUMN",
    "train --dataset=csv:missing.csv --target=y": "row 3, column 'b'",
    "train --dataset=csv:text.csv --target=y": "row 3, column 'b': 'x' is not a number",
    "train --dataset=csv:prices.csv --target=y --dataset.task=classification --batch_size=2": (
        "a class of its own"
    ),
    "plan --dataset=csv:prices.csv --target=y --dataset.task=classification --batch_size=2": (
        "a class of its own"
    ),
    "train --dataset=folder:images": "images/cat/a.png does not decode",
    "train --dataset=folder:nowhere": "is not a folder",
    "train --dataset=text:nofile.txt": (
        "text:nofile.txt: No such file or directory; expected a text file"
    ),
    "train --dataset=text:": "names no file",
    "train --dataset=text:prices.csv --context=1000": (
        "characters, too few for a window of context=1000"
    ),
    "train --dataset=copy_memory --dataset.length=5 --dataset.size=9 --dataset.test=2": (
        "arch=mlp takes numbers; copy_memory has tokens [25]"
    ),
    "train --dataset=text:prices.csv --context=80 --split=1:1 --arch=gpt --batch_size=8": (
        "arch.context=80 or shorter"
    ),
    "train --dataset=text:prices.csv --context=8 --split=1:1 --arch=gpt --arch.heads=3": (
        "3 heads do not divide"
    ),
    "train --dataset=csv:prices.csv --target=y --task=forecast --arch=ar": (
        "has length=30, too short for a window of context=64"
    ),
    "train --dataset=csv:missing.csv --target=b --task=forecast --context=2": (
        "column 'b': the value is missing"
    ),
    "train --dataset=csv:text.csv --target=b --task=forecast --context=2": (
        "'x' is not a number; a series consists of"
    ),
    "train --dataset=csv:prices.csv --target=y --context=8": (
        "give --task=forecast, or leave them out"
    ),
    "train --arch=rnn --arch.truncate=0": "arch.truncate=0 is out of range; it must be >= 1",
    "train --context=5": "--dataset.context is not used",
    "generate --prompt=a": "give --run=RUN",
    "train --dataset=mnist --data_dir=.": "neither bundled nor prepared: looked in",
    "train --dataset=digts": "did you mean digits",
    "train --records=/dev/null/x": "cannot write records to /dev/null/x",
    "train --epochs=0": "epochs=0 is out of range; it must be >= 1",
    "train --batch_size=0": "batch_size=0 is out of range; it must be >= 1, or full",
    "train --batch_size=all": "expected a whole number, or full",
    "train --arch.hidden=8,,8": "arch.hidden=8,,8 has an empty item",
    "train --epochs=1 --epochs=2": "flag --epochs=2: already defined as 1",
    "train --epochs 1 --epochs 2": "flag --epochs=2: already defined as 1",
    "sweep --seeds=2 --grid=epochs=1|2 --seeds 3": "flag --seeds=3: already defined as 2",
    "train --target=a --dataset.target=b": "--target is short for --dataset.target",
    "train --dataset.size=8": (
        "has no option 'size'; it has no options (adding, copy_memory, dates,"
    ),
    "train --records=": "flag --records=: it is empty",
    "train --cache_dir=": "flag --cache_dir=: it is empty",
    "train --learning_rate=nan": "expected a number",
    "train --seed=-1": "seed=-1 is out of range; it must be in [0, 4294967295]",
    "train --train_size=5000": "must be 1 to 1437",
    "train --train_size=64 --batch_size=65": "larger than the 64 training rows",
    "train --arch=cnn --dataset=iris": (
        "arch=cnn takes images; iris has a table of 4 numbers; use linear, mlp, perceptron, lda"
    ),
    "train --arch.hidden=0": "arch.hidden=0 is out of range",
    "train --arch.activation=rleu": "did you mean relu",
    "train --loss=squared": "loss=squared is for regression",
    "train --task=regression": "does not fit digits",
    "train --optimizer.nesterov=true": "optimizer.momentum is 0, so it would have no effect",
    "train --cache_dir=/proc/foo": (
        "cannot write the cache directory /proc/foo: No such file or directory"
    ),
    "train --dataset=zzz": ". Set --data_dir",
    "train --label_noise=0.1 --dataset=diabetes": "redraws classes",
    "train --split=8:2 --regularization=early_stopping=3": "leaves none",
    "train --regularization=l1_prox=0.1 --optimizer=adam": "use optimizer=sgd",
    "train --regularization=cutmix=1 --dataset=iris": "cutmix is for images",
    "train --scaling=zscore": "allowed are none, minmax, standard, robust, maxabs, quantile",
    "train --encoding_of_categories=targt": "did you mean target",
    "train --encoding_of_categories=ordinal": (
        "encoding_of_categories=ordinal applies only to the columns of tables, and digits has images"
    ),
    "train --dataset=wine --encoding_of_categories=target(smoothing=-1)": "must be >= 0",
    "train --dataset=wine --encoding_of_categories=frequency": "has no categories; leave it out",
    "train --scaling=power": "scaling=power applies only to the columns of tables, and digits has",
    "train --name=a/b": "a name consists of letters, digits",
    "train digits": "'digits' is not a flag",
    "table": "give either --experiment=NAME",
    "table --experiment=regularisation": "did you mean regularization?",
    "table --name=nothing": "no sweep 'nothing'",
    "table --experiment=regularization --format=xls": "csv|html|json|md|tex",
    "plan --experiment=regularization --arch.hidden=8": (
        "--arch.hidden: an experiment declares its settings"
    ),
    "plan --experiment=regularization --seeds=3": "--seeds: an experiment declares its settings",
    "table --experiment=regularization --baseline=L2": (
        "--baseline is for --name=SWEEP; an experiment declares its"
    ),
    "train --seeds=3": "unknown flag --seeds; it is a flag of launch.sweep",
    "train --accept_code": (
        "unknown flag --accept_code; it is a flag of launch.sweep and launch.table"
    ),
    "tune --sample=learning_rate=0.1|1 --seeds=3": (
        "--report_seeds=N reports the choice on N fresh seeds"
    ),
    "train --dataset=csv:a\udce9.csv": "is not UTF-8; rename the file",
    "train --dataset=csv:a\0.csv": "has a NUL character",
    "list regularisers": "did you mean regularizers?",
    "table --name=nothing --explain=a --format=csv": (
        "--format is for tables; --explain prints text"
    ),
    "table --name=nothing --explain=a --rows=runs": "--rows is for tables; --explain prints text",
    "list resnt": "did you mean resnet",
    "list qqq": "known: activations, architectures,",
    "train --qqq=1": "unknown flag --qqq; --help lists the flags",
    "train --coordinator=localhost:1234 --processes=2": "needs --processes=N and --process=I",
    "train --records=prices.csv": "flag --records=prices.csv: it is a file; name a directory",
    "table --experiment=regularization --figures=prices.csv": "it is a file; name a directory",
    "table --experiment=regularization --out=images": "it is a directory; name a file in it",
    "table --experiment=regularization --figures=/proc/a": (
        "--figures=/proc/a: /proc/a cannot be created"
    ),
    "table --experiment=regularization --out=/proc/a/table.md": (
        "flag --out=/proc/a/table.md: /proc/a cannot be created"
    ),
    "generate --run=a --prompt=b --temperature=nan": (
        "flag --temperature=nan: expected a number from 0 to 1000"
    ),
    "generate --run=a --prompt=b --length=x": "flag --length=x: expected a whole number, not 'x'",
    "verify --run=a --devices=1": "unknown flag --devices",
    "train --arch=fcn": (
        "arch.channels has 5 stages, and each halves an image: too many for images of 8x8"
    ),
    "train --arch=fcn --arch.stride=1": (
        "arch.stride applies only to a class for each pixel; digits has one target per image"
    ),
    "train --dataset=shapes --dataset.size=30 --dataset.test=10 --arch=gru": (
        "arch=gru answers once per example or at each step; shapes has a target at each pixel"
    ),
    "train --dataset=csv:prices.csv --target=y --task=forecast --context=2 --arch=lstm --arch.bidirectional=true": (
        "arch.bidirectional=true reads what task=forecast predicts"
    ),
    "evaluate --run=a:best": "--run=a:best names the parameters too; write --run=a --params=best",
    "evaluate --run=a --profile=trace": "unknown flag --profile",
    "train --init_from=abc:": "init_from=abc:: expected RUN, RUN:best or RUN:last",
    "train --coordinator=localhost:1 --processes=2 --process=2": (
        "--process=2: with --processes=2 it must be 0 to 1"
    ),
    "list regularizers foo": "give one list or name; leave 'foo' out",
    "benchmark pakcing": "did you mean packing",
    "benchmark step --arch=resnt": "no step of 'resnt' is measured; did you mean resnet",
    "plan --experiment=foo": "unknown experiment 'foo'",
    "sweep --samples=2 --sample='epochs=1|2 if optimizer=sgd'": (
        "and no axis sets optimizer; give it an axis too"
    ),
    "sweep --grid='epochs=1|2 if seed=1'": (
        "epochs is set if seed=1, and no axis sets seed; give it an axis too"
    ),
    "sweep --grid='optimizer.momentum=0|0.9 if optimizer=adam' --grid=optimizer=sgd|adam": (
        "momentum is not used"
    ),
    "sweep --sample=epochs=int(1,99999999999999999999) --samples=2": (
        "needs whole numbers below 2^53"
    ),
    "sweep --sample=learning_rate=uniform(0,1,step=0.3) --samples=2": (
        "needs a step that divides the range from 0 to 1"
    ),
    "sweep --sample=learning_rate=log(1,8,step=1) --samples=2": "needs two numbers, log(low,high)",
    "sweep --sample=learning_rate=normal(1,0) --samples=2": "needs a mean, and sd > 0",
    "sweep --sample=epochs=log_int(0,8) --samples=2": "needs low > 0",
    "sweep --sample=learning_rate=lognormal(1,2) --samples=2": (
        "no distribution 'lognormal'; did you mean normal?"
    ),
    "tune --sample=learning_rate=normal(1,0.01)": "--sampler=tpe needs bounds",
    "tune --sample=epochs=int(1,1e30)": "needs whole numbers below 2^53",
    "tune": "say what to tune",
    "tune --sample=learning_rat=0.1|1": "did you mean learning_rate?",
    "tune --sample='epochs=1|2 if optimizer=sgd'": (
        "and no axis sets optimizer; give it an axis too"
    ),
    "tune --sample='epochs=1|2 if optimizer' --sample=optimizer=sgd|adam": (
        "not of the form if setting=value"
    ),
    "tune --sample=learning_rate=0.1|1 --sampler=foo": "grid|random|sobol|tpe",
    "tune --sample=learning_rate=0.1|1 --pruner=foo": "asha|median|hyperband",
    "tune --sample='learning_rate=log(1e-3,1)' --sampler=grid": (
        "learning_rate is continuous; list some of them"
    ),
    "tune --sample=learning_rate=0.1|1 --sampler=grid --trials=1": (
        "the grid has 2 points; give --trials=2"
    ),
    "tune --sample=regularization.dropout=1.5|2": "regularization.dropout.rate=2 is out of range",
    "tune --sample=batch_size=5000|6000": "points of the space can be trained; the first: ",
    "tune --sample=learning_rate=0.1|1 --learning_rate=1": (
        "--learning_rate is given, and an axis sets it too"
    ),
    "tune --sample=seed=1|2": "a seed cannot be tuned",
    "tune --sample=optimizer.momentum=0|0.9 --optimizer=adam": "adam has no option 'momentum'",
    "tune --sample=learning_rate=0.1|1 --split=8:2": "leaves no validation rows",
    "tune --sample=learning_rate=0.1|1 --name=a/b": "a name consists of letters, digits",
    "tune --sample=learning_rate=0.1|1 --per_arm": "--per_arm and --experiment=NAME go together",
    "tune --sample=learning_rate=0.1|1 --experiment=regularization": (
        "--per_arm and --experiment=NAME go together"
    ),
    "tune --sample=learning_rate=0.1|1 --experiment=regularisation --per_arm": (
        "did you mean regularization?"
    ),
    "tune --sample=learning_rate=0.1|1 --experiment=regularization --per_arm --epochs=2": (
        "declares its settings"
    ),
    "tune --sample=regularization=none|l2=1 --experiment=regularization --per_arm": (
        "'L2' sets regularization itself"
    ),
    "tune --sample=epochs=1|2 --experiment=optimizers --per_arm": (
        "'optimizers' chooses learning_rate itself"
    ),
    "tune --sample='epochs=1|2 if arm=no' --experiment=regularization --per_arm": (
        "arm is never 'no'"
    ),
    "tune --sample='epochs=1|2 if arm=none'": "no axis sets arm",
    "tune --sample=learning_rate=0.1|1 --pruner=asha --epochs=1": (
        "before their last epoch, and these have 1"
    ),
    "tune --sample=epochs=2|3 --pruner=asha": "--pruner compares trials at the same epoch",
    "tune --sample=learning_rate=0.1|1 --pruner=asha --devices=2": "leave out --devices",
    "doctor now": "'now' is not a flag",
    "doctor --target=y": "--dataset.target applies to data; name it with --dataset=NAME",
    "doctor --html=page": "--html is a page of data; name it with --dataset=NAME",
    "doctor --dataset=csv:nowhere.csv --target=y": "nowhere.csv cannot be read: No such file",
    "doctor --dataset=iriss": "did you mean iris?",
    "doctor --dataset=csv:missing.csv": "needs --target=COLUMN",
    "explain": "give one of --run=ID, --name=SWEEP and --experiment=NAME",
    "explain --run=a --name=b": "give one of --run=ID, --name=SWEEP and --experiment=NAME",
    "explain --run=nothing": "nothing",
    "explain --run=a --method=shap": "value should be one of <permutation|shapley|",
    "explain --run=a --method=model --repeats=3": (
        "--repeats applies to --method=permutation and shapley, not to model"
    ),
    "explain --run=a --method=shapley --metric=nll": "--metric applies to --method=permutation and",
    "explain --run=a --correlated=2": "2.0 is not a number in the range [0.0, 1.0]",
    "explain --run=a --repeats=0": "0 is not a positive integer",
    "explain --experiment=regularisation": "did you mean regularization?",
    "explain --name=nothing": "no sweep 'nothing'",
    "explain --run=a --width=single": "add --figures=DIR",
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """Every case's result, and beside them the records directory that must stay empty."""
    folder = tmp_path_factory.mktemp("bad")
    rows = ["1,2,0", "2,{},1", "3,4,0", "4,5,1"]
    (folder / "empty.csv").write_text("")
    (folder / "header.csv").write_text("a,b,y\n")
    (folder / "missing.csv").write_text(
        "a,b,y\n" + "\n".join(rows).format("") + "\n" + "1,2,0\n2,3,1\n" * 9
    )
    (folder / "text.csv").write_text(
        "a,b,y\n" + "\n".join(rows).format("x") + "\n" + "1,2,0\n2,3,1\n" * 9
    )
    (folder / "prices.csv").write_text("a,y\n" + "".join(f"{row},{row}.5\n" for row in range(30)))
    for name in ("cat", "dog"):
        (folder / "images" / name).mkdir(parents=True)
        (folder / "images" / name / "a.png").write_bytes(b"not an image")
    done = dict(zip(CASES, run_all([shlex.split(case) for case in CASES], folder), strict=True))
    assert not list(Path(folder).glob("records/runs/*/*"))
    return done


@pytest.mark.parametrize("case", CASES)
def test_says_in_one_line_what_is_wrong(results: dict[str, Result], case: str) -> None:
    result = results[case]
    assert result.code == 2
    assert not result.out
    assert len(result.err.strip().splitlines()) == 1, result.err
    assert result.err.startswith("error: ")
    assert CASES[case] in result.err
