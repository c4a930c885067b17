"""The programs: absl flags in, a call of research/, text out."""

import sys

from research import signals

# While `python -m launch.NAME` looks for the program; the imports that follow take seconds, and may
# be stopped too.
if sys.argv[0] == "-m":
    signals.end_at_once()
