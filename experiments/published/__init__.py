"""Published tables: a file for each, with the paper's values beside ours."""
