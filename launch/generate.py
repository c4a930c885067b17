"""Continues a text, or answers a prompt, with a run that has saved parameters.

Examples:
  python -m launch.generate --run=RUN --prompt='ROMEO:' --length=300
  python -m launch.generate --run=RUN --prompt='Sunday, March 2, 2008' --beams=3
"""

from absl import flags

from launch.cli import start
from launch.cli.prompt_replies import answers, continued
from launch.cli.saved_run import BEAMS, load_run
from research.errors import UserError
from research.training.apply.generation import Sampler

PROMPT = flags.DEFINE_string(
    "prompt", "", "the beginning of the text, or the source sequence to answer"
)
LENGTH = flags.DEFINE_integer("length", 300, "number of characters to generate", lower_bound=1)
TEMPERATURE = flags.DEFINE_float(
    "temperature", 1.0, "sampling temperature; 0 always takes the likeliest character"
)
flags.register_validator(
    "temperature", lambda value: 0 <= value <= 1000, "expected a number from 0 to 1000"
)
SEED = flags.DEFINE_integer(
    "seed", 0, "seed of the sampled characters", lower_bound=0, upper_bound=2**32 - 1
)


# By the run's task: the flags that do not apply.
UNUSED = {"language_model": (BEAMS,), "sequence_to_sequence": (LENGTH, TEMPERATURE, SEED)}


def main() -> None:
    if not PROMPT.value:
        raise UserError("--prompt=TEXT gives the beginning of the text; one character is enough")
    saved = load_run()
    task = saved.run.config.task
    if task not in UNUSED:
        raise UserError(
            f"--prompt requires a run of task {' or '.join(UNUSED)}; run {saved.run.id} has task"
            f" {task}"
        )
    for flag in UNUSED[task]:
        if flag.present:
            raise UserError(f"--{flag.name} does not apply to task={task}; leave it out")
    if task == "language_model":
        sampler = Sampler(TEMPERATURE.value, SEED.value)
        print(continued(saved, PROMPT.value, sampler, LENGTH.value))
    else:
        print("\n".join(answers(saved, PROMPT.value)))


if __name__ == "__main__":
    start.run(main, saves=False)
