"""Training one pack of runs, from its configs to its outcomes. In reading order: step/ (one
update), setup/ (what is fixed before it), engine/ (the loop over it), devices/ (how lanes run),
checkpoint/ (saving and resuming), boosting/ (what a run learns from earlier ones), apply/ (using
a trained network)."""
