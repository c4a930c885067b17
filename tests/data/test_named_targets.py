"""Several targets of an example: how they are stored, fitted and read by a task of a user's own."""

import research.catalogue  # noqa: F401  (fills the registries)
