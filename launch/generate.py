"""Lets a language model go on with a text: python -m launch.generate --run=ID --prompt="ROMEO:" --length=300"""

from collections.abc import Sequence
from typing import Any

from absl import flags

from launch import start
from launch.trained import trained
from research.data import text
from research.errors import UserError
from research.training.generation import generate

PROMPT = flags.DEFINE_string("prompt", "", "what the text begins with")
LENGTH = flags.DEFINE_integer("length", 300, "characters to go on for", lower_bound=1)
TEMPERATURE = flags.DEFINE_float("temperature", 1.0, "0: always the likeliest character")
flags.register_validator("temperature", lambda value: 0 <= value <= 1000, "expected a number of 0 to 1000")
SEED = flags.DEFINE_integer("seed", 0, "of what is drawn", lower_bound=0, upper_bound=2**32 - 1)


def main(arguments: Sequence[str]) -> None:
    if arguments:
        raise UserError(f"'{arguments[0]}' is not a flag; flags are written --name=value")
    if not PROMPT.value:
        raise UserError("--prompt=TEXT says what the text begins with; one character is enough")
    of = trained("language_model", "goes on with a text")
    vocabulary = of.run.program.spec.vocabulary
    prompt = text.encode(PROMPT.value, vocabulary, "--prompt")
    how: dict[str, Any] = {"count": LENGTH.value, "temperature": TEMPERATURE.value, "seed": SEED.value}
    tokens = generate(of.run.program, of.lane, of.variables, prompt, **how)
    print(PROMPT.value + text.decode(tokens, vocabulary))


if __name__ == "__main__":
    start.run(main, saves=False)
