"""One update of one lane, as pure functions. Read step first: it is the whole update. Then state
(what it replaces), initial_state, network (the forward pass), augment (a batch's inputs), objective
and gradient (what is minimised), update (optimizer and regularization), means (sums of an
epoch), norm_statistics (recomputed), epoch_end (a row of the curves)."""
