"""What is settled before JAX starts: the flags for a GPU, and that a CPU sees none of them."""

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

from research import runtime


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """JAX's CUDA plugin, as far as one can see without a GPU; and a directory to work in."""
    (tmp_path / "site" / "jax_cuda12_plugin").mkdir(parents=True)
    (tmp_path / "site" / "jax_cuda12_plugin" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def flags(monkeypatch: pytest.MonkeyPatch, given: str = "") -> list[str]:
    """XLA_FLAGS after what `prepare` does of them, the host's devices apart."""
    monkeypatch.setenv("XLA_FLAGS", given)
    if runtime.wants_gpu():
        runtime.exact_on_gpu("my records")
    return os.environ["XLA_FLAGS"].split(" --")


@pytest.mark.parametrize("platforms", ["", "cuda", "cuda,cpu", "gpu"])
def test_a_gpu_repeats_its_bits(
    plugin: Path, monkeypatch: pytest.MonkeyPatch, platforms: str
) -> None:
    monkeypatch.setenv("JAX_PLATFORMS", platforms)
    folder = f"my records/autotune/{importlib.metadata.version('jaxlib')}"
    assert flags(monkeypatch) == [
        "--xla_gpu_deterministic_ops=true",
        f"xla_gpu_per_fusion_autotune_cache_dir='{folder}'",
    ]
    assert (plugin / folder).is_dir()


def test_the_users_flags_win(plugin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    made = flags(monkeypatch, "--xla_gpu_deterministic_ops=false")
    assert made[0] == "--xla_gpu_deterministic_ops=false"
    assert [flag.partition("=")[0] for flag in made[1:]] == [
        "xla_gpu_per_fusion_autotune_cache_dir"
    ]


def test_a_directory_that_cannot_be_made_is_left_to_who_writes_records(
    plugin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    (plugin / "my records").touch()
    assert flags(monkeypatch) == ["--xla_gpu_deterministic_ops=true"]


def test_a_cpu_sees_nothing_of_it(plugin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    assert flags(monkeypatch) == [""]
    assert not (plugin / "my records").exists()


def test_nor_does_a_machine_without_the_plugin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        sys, "path", [path for path in sys.path if not (Path(path) / "jax_cuda12_plugin").exists()]
    )
    assert flags(monkeypatch) == [""]
    assert not list(tmp_path.iterdir())


def test_this_jaxlib_knows_the_flags(plugin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """XLA ends a process whose XLA_FLAGS it does not know."""
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    codes = []
    for given in ("", "--xla_gpu_no_such_flag=true"):
        flags(monkeypatch, given)
        environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
        command = [sys.executable, "-c", "import jax; jax.devices()"]
        codes.append(subprocess.run(command, env=environment, capture_output=True).returncode)
    assert codes[0] == 0
    assert codes[1] != 0
