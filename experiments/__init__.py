"""The declared tables, one a file; `python -m launch.list experiments` prints them."""
