"""One pack of runs: state, step, lanes, loop, evaluation."""
