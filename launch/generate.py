"""Continues a text, or answers a prompt, with a run that has saved parameters.

Examples:
  python -m launch.generate --run=RUN --prompt='ROMEO:' --length=300
  python -m launch.generate --run=RUN --prompt='Sunday, March 2, 2008' --beams=3
"""

import numpy as np
from absl import flags

from launch.cli import start
from launch.cli.saved_run import BEAMS, SavedRun, load_run
from research.data import text
from research.data.progress_bar import progress
from research.data.spec import PADDING
from research.data.strings import BLANK, START
from research.errors import UserError
from research.training.apply.generation import Sampler, generate

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


def main() -> None:
    if not PROMPT.value:
        raise UserError("--prompt=TEXT gives the beginning of the text; one character is enough")
    saved = load_run()
    task = saved.run.config.task
    if task not in TASKS:
        raise UserError(
            f"--prompt requires a run of task {' or '.join(TASKS)}; run {saved.run.id} has task"
            f" {task}"
        )
    respond, unused_flags = TASKS[task]
    for flag in unused_flags:
        if flag.present:
            raise UserError(f"--{flag.name} does not apply to task={task}; leave it out")
    respond(saved)


def _continue(saved: SavedRun) -> None:
    """Prints the prompt and what follows it."""
    vocabulary = saved.run.program.spec.vocabulary
    prompt = text.encode(PROMPT.value, vocabulary, "--prompt")
    sampler = Sampler(TEMPERATURE.value, SEED.value)
    with progress(LENGTH.value, "generating", "character") as bar:
        tokens = generate(
            saved.run.program,
            saved.lane,
            saved.variables,
            prompt,
            sampler,
            LENGTH.value,
            bar.update,
        )
    print(PROMPT.value + text.decode(tokens, vocabulary))


def _answer(saved: SavedRun) -> None:
    """Prints the answer to the prompt; with several beams an answer per beam, the best first, each
    after its log-probability."""
    spec = saved.run.program.spec
    given = len(PROMPT.value)
    width = spec.source
    # Sources of unequal length were padded with blanks; without a blank there is no shorter source.
    padded = BLANK in spec.vocabulary
    if given > width or (given < width and not padded):
        most = "at most " if padded else ""
        raise UserError(
            f"--prompt has {given} symbols, and a source of {spec.name} has {most}{width}"
        )
    x = np.full((1, *spec.shape), PADDING, np.int32)
    x[0, :width] = text.encode(PROMPT.value.ljust(width, BLANK), spec.vocabulary, "--prompt")
    x[0, width] = text.encode(START, spec.vocabulary, spec.name)[0]
    (answers,), (scores,) = saved.answers(x)
    for answer, score in zip(answers, scores, strict=True):
        reply = text.decode(answer, spec.vocabulary).rstrip()
        print(reply if len(answers) == 1 else f"{score:9.4f}  {reply}")


# By the run's task: what answers a prompt, and the flags that do not apply.
TASKS = {
    "language_model": (_continue, (BEAMS,)),
    "sequence_to_sequence": (_answer, (LENGTH, TEMPERATURE, SEED)),
}

if __name__ == "__main__":
    start.run(main, saves=False)
