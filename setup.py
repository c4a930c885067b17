"""The dependencies of the package, read from the requirements files, so that each pin stands in one
place."""

from pathlib import Path

from setuptools import setup


def pins(name: str) -> list[str]:
    """The requirements of a file, without those of the files that it includes."""
    lines = (Path(__file__).parent / name).read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith(("#", "-r"))]


setup(
    install_requires=pins("requirements.txt"),
    extras_require={extra: pins(f"requirements-{extra}.txt") for extra in ("cuda", "dev", "trees")},
)
