"""How XLA compiles what a command computes."""

import os
import subprocess
import sys

import pytest

from gan_jax.run import programs


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, f"{programs.SAME_BITS}=true"),
        ("--xla_cpu_enable_fast_math=false", f"--xla_cpu_enable_fast_math=false {programs.SAME_BITS}=true"),
        (f"{programs.SAME_BITS}=false", f"{programs.SAME_BITS}=false"),
    ],
)
def test_deterministic_unless_told_otherwise(given, expected, monkeypatch):
    monkeypatch.delenv("XLA_FLAGS")
    if given:
        monkeypatch.setenv("XLA_FLAGS", given)
    programs.be_deterministic()
    assert os.environ["XLA_FLAGS"] == expected


def test_this_jax_knows_the_flag(tmp_path):
    """It ends a process whose flags it does not know."""
    program = "from gan_jax.run import programs; programs.prepare(); import jax; print(jax.jit(lambda x: x + 1)(1))"
    environment = {k: v for k, v in os.environ.items() if k not in ("XLA_FLAGS", "JAX_COMPILATION_CACHE_DIR")}
    environment["GAN_JAX_CACHE"] = str(tmp_path)
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.stdout == "2\n", done.stderr
    assert (tmp_path / "programs").is_dir()
