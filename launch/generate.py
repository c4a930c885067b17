"""Continues a text, or answers one, with a run that kept its parameters.

Examples:
  python -m launch.generate --run=RUN --prompt='ROMEO:' --length=300
  python -m launch.generate --run=RUN --prompt='Sunday, March 2, 2008' --beams=3
"""

import numpy as np
from absl import flags

from launch.cli import start
from launch.cli.saved_run import BEAMS, Trained, trained
from research.data import text
from research.data.progress_bar import progress
from research.data.spec import PADDING
from research.data.strings import BLANK, START
from research.errors import UserError
from research.training.generation import Sampler, generate

PROMPT = flags.DEFINE_string(
    "prompt", "", "what the text begins with, or the source that is answered"
)
LENGTH = flags.DEFINE_integer("length", 300, "characters to go on for", lower_bound=1)
TEMPERATURE = flags.DEFINE_float("temperature", 1.0, "0: always the likeliest character")
flags.register_validator(
    "temperature", lambda value: 0 <= value <= 1000, "expected a number of 0 to 1000"
)
SEED = flags.DEFINE_integer("seed", 0, "of what is drawn", lower_bound=0, upper_bound=2**32 - 1)


def main() -> None:
    if not PROMPT.value:
        raise UserError("--prompt=TEXT says what the text begins with; one character is enough")
    of = trained()
    task = of.run.config.task
    if task not in TASKS:
        raise UserError(
            f"run {of.run.id} is of the task {task}; {' and '.join(TASKS)} alone say something to a"
            " prompt"
        )
    say, unread = TASKS[task]
    for flag in unread:
        if flag.present:
            raise UserError(f"--{flag.name} is not of a {task}; leave it out")
    say(of)


def _go_on(of: Trained) -> None:
    """Prints the prompt and what follows it."""
    vocabulary = of.run.program.spec.vocabulary
    prompt = text.encode(PROMPT.value, vocabulary, "--prompt")
    sampler = Sampler(TEMPERATURE.value, SEED.value)
    with progress(LENGTH.value, "generating", "character") as bar:
        tokens = generate(
            of.run.program, of.lane, of.variables, prompt, sampler, LENGTH.value, bar.update
        )
    print(PROMPT.value + text.decode(tokens, vocabulary))


def _answer(of: Trained) -> None:
    """Prints the answer to the prompt; of several beams each with its log-probability, the best
    first."""
    spec = of.run.program.spec
    given, width, filled = len(PROMPT.value), spec.source, BLANK in spec.vocabulary
    if given > width or (given < width and not filled):
        most = "at most " * filled
        raise UserError(
            f"--prompt has {given} symbols, and a source of {spec.name} has {most}{width}"
        )
    x = np.full((1, *spec.shape), PADDING, np.int32)
    x[0, :width] = text.encode(PROMPT.value.ljust(width, BLANK), spec.vocabulary, "--prompt")
    x[0, width] = text.encode(START, spec.vocabulary, spec.name)[0]
    (answers,), (scores,) = of.answers(x)
    for answer, score in zip(answers, scores, strict=True):
        said = text.decode(answer, spec.vocabulary).rstrip()
        print(said if len(answers) == 1 else f"{score:9.4f}  {said}")


# What is said to a prompt, by the run's task, and the flags that are not of it.
TASKS = {
    "language_model": (_go_on, (BEAMS,)),
    "sequence_to_sequence": (_answer, (LENGTH, TEMPERATURE, SEED)),
}

if __name__ == "__main__":
    start.run(main, saves=False)
