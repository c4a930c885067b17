"""Data: TFDS builders and the sources read from them, splits, scaling and imputation.

`source.open_source(name, options, data_dir=..., cache_dir=...)` opens any data set: bundled
(`digits`), a file (`csv:FILE`), a folder of images (`folder:DIR`) or one prepared with TFDS
(`mnist`). Each module of this package registers its own data sets; nothing heavy is imported before
it is needed.
"""
