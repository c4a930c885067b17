"""Splitters: which rows train, validate and test; a file and an entry each.

In reading order: division.py says what a splitter is, finds the one of a config, and numbers its
folds. ratios.py has `8:1:1`, which is one fold. index_sets.py makes a splitter of a function that
returns index sets; kfold.py is the first that is made so, the others follow it. nested.py has folds
inside folds. split_file.py reads a split from a file. inner_folds.py divides the training rows of a
run again, and drawn_rows.py draws samples of them.
"""
