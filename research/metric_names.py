"""Names of metrics that several layers share."""

# Before the names of metrics on training labels as they were before `label_noise`.
CLEAN = "clean_"
