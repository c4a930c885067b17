"""CONTRIBUTING: its regularizer is an entry once its file is there, and its penalty is the
formula."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
CHECK = """
import numpy as np
from research.registry import REGULARIZERS
entry = REGULARIZERS.get("cauchy")
assert (entry.slot, entry.site) == ("loss", "kernels")
np.testing.assert_allclose(entry.build(strength=2.0)(np.array([1.0, 3.0])), 2 * np.log(2 * 10), rtol=1e-6)
"""


def test_the_regularizer_in_eleven_lines_is_an_entry() -> None:
    block, *_ = re.findall(
        r"^```python\n(.*?)^```$", (ROOT / "CONTRIBUTING.md").read_text(), re.M | re.S
    )
    assert len([line for line in block.splitlines() if line]) <= 11
    done = subprocess.run(
        [sys.executable, "-c", block + CHECK], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
