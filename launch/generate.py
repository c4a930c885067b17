"""Lets a language model go on with a text: python -m launch.generate --run=ID --prompt="ROMEO:" --length=300"""

from collections.abc import Sequence

from absl import flags

from launch import start
from launch.flags import refuse_training_flags
from launch.planner import planner
from launch.records import store
from research.data import text
from research.errors import UserError
from research.sweeps.parameters import Parameters, evaluated
from research.sweeps.verification import lookup, run_of
from research.training.evaluation import lane_of
from research.training.generation import generate

RUN = flags.DEFINE_string("run", None, "the id of a run that kept its parameters, or the beginning of one")
PROMPT = flags.DEFINE_string("prompt", "", "what the text begins with")
LENGTH = flags.DEFINE_integer("length", 300, "characters to go on for", lower_bound=1)
TEMPERATURE = flags.DEFINE_float("temperature", 1.0, "0: always the likeliest character")
flags.register_validator("temperature", lambda value: 0 <= value <= 1000, "expected a number of 0 to 1000")
SEED = flags.DEFINE_integer("seed", 0, "of what is drawn", lower_bound=0, upper_bound=2**32 - 1)
PARAMS = flags.DEFINE_enum(
    "params", None, ["best", "last"], "which of its parameters; none: those that its record's metrics are of"
)


def main(arguments: Sequence[str]) -> None:
    if arguments:
        raise UserError(f"'{arguments[0]}' is not a flag; flags are written --name=value")
    refuse_training_flags()
    if not RUN.value:
        raise UserError("--run=ID says which run; launch.train prints its id")
    if not PROMPT.value:
        raise UserError("--prompt=TEXT says what the text begins with; one character is enough")
    records, plans = store(), planner()
    record = lookup(records, RUN.value)
    run = run_of(record, plans)
    if run.config.task != "language_model":
        raise UserError(
            f"run {record.run_id} is of the task {run.config.task}; only a language_model goes on with a text"
        )
    spec = run.program.spec
    prompt = text.encode(PROMPT.value, spec.vocabulary, "--prompt")
    saved = Parameters(records).load(record.run_id)
    lane = lane_of(run.program, run.config, plans.arrays(run))
    variables = saved.variables[PARAMS.value or evaluated(run.config)]
    tokens = generate(
        run.program, lane, variables, prompt, count=LENGTH.value, temperature=TEMPERATURE.value, seed=SEED.value
    )
    print(PROMPT.value + text.decode(tokens, spec.vocabulary))


if __name__ == "__main__":
    start.run(main, saves=False)
