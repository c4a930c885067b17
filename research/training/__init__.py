"""Training one pack of runs, from its configs to its outcomes. In reading order: step/ (one
update), setup/ (what is fixed before it), engine/ (the loop over it), devices/ (how lanes run),
checkpoint/ (saving and resuming), apply/ (using a trained network)."""
