"""Features: what the inputs and the targets of a data set are, one file per kind.

In reading order: feature.py has what every feature knows. numbers.py is scaled numbers of any
shape; table_columns.py, prepared_table.py, reduced.py, image.py and time_series.py are its kinds.
token_sequence.py is symbols, categories.py the places of categories, observation.py what an
environment shows. named_inputs.py is several inputs by name; table_parts.py and token_pair.py are
its kinds. target.py has what every target knows; label.py, class_shares.py, number.py, mask.py,
itself.py and rows_themselves.py are its kinds, named_targets.py several of them by name.
named_arrays.py gathers one array or several alike. stored.py reads and writes what is stored of
features. A feature of a plugin is one file and one entry of registry.FEATURES.
"""
