"""A Slurm for the tests; where none can be, they are skipped, but never where $SLURM_TESTS is
`always`, as in CI."""

import os
from collections.abc import Iterator

import pytest

from tests.slurm import cluster


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The variables by which a fresh Slurm is found."""
    if reason := cluster.missing():
        if os.environ.get("SLURM_TESTS") == "always":
            pytest.fail(f"no Slurm: {reason}")
        pytest.skip(reason)
    with cluster.running(tmp_path_factory.mktemp("slurm")) as variables:
        yield variables


@pytest.fixture(autouse=True)
def nodes_in_service(request: pytest.FixtureRequest) -> None:
    """Each test finds both nodes in service, whatever happened to them in an earlier one."""
    if "slurm" in request.fixturenames:
        cluster.resume_drained(request.getfixturevalue("slurm"))
