"""The machine that a comparison runs on: the device of both sides, how busy it is, and with which versions."""

import datetime
import importlib
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping

FRAMEWORKS = {
    "gan_jax": ("gan_jax", "jax", "flax", "optax"),
    "PyTorch": ("torch",),
    "Keras": ("keras", "tensorflow"),
}
"""What each imports."""

_HAS_GPU = {
    "gan_jax": "import jax; print(jax.default_backend() == 'gpu')",
    "PyTorch": "import torch; print(torch.cuda.is_available())",
    "Keras": "import tensorflow; print(bool(tensorflow.config.list_physical_devices('GPU')))",
}


def have_gpu(pythons: Mapping[str, str]) -> bool:
    """Whether every framework finds a GPU, each asked in its own interpreter: else all of them compute on the CPU."""
    ask = lambda name, python: subprocess.run([python, "-c", _HAS_GPU[name]], stdout=subprocess.PIPE, text=True).stdout
    return all(ask(name, python).split()[-1:] == ["True"] for name, python in pythons.items())


def environment(gpu: bool) -> dict[str, str]:
    """Of a process that is to see the GPU, or none."""
    hidden = {} if gpu else {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "-1"}
    return os.environ | hidden


def versions(framework: str) -> dict[str, str]:
    """Of all that a framework imports here."""
    return {name: importlib.import_module(name).__version__ for name in FRAMEWORKS[framework]}


def load() -> float:
    """Processes that wanted the machine in the last minute; says so where that spoils what follows."""
    found = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    if found > 0.5:
        print(f"the machine is busy (load {found:.1f}): do not quote what follows", file=sys.stderr)
    return found


def heading(devices: Iterable[str], versions: Mapping[str, str], load: float, how: str) -> str:
    """The lines over a table: date, machine, versions, and how it was measured."""
    listed = ", ".join(f"{name} {number}" for name, number in versions.items())
    on = ", ".join(sorted(set(devices)))
    return (
        f"{datetime.date.today()}, {platform.machine()}, {os.cpu_count()} cores, {on}, load before {load:.1f};\n"
        f"Python {platform.python_version()}, {listed}; {how}\n"
    )


def main() -> None:
    """Prints what a table of both sides begins with; they compute on a GPU where both find one."""
    gpu = have_gpu({"gan_jax": sys.executable, "PyTorch": sys.executable})
    name = "import jax; print(jax.devices()[0].device_kind)"
    found = subprocess.run([sys.executable, "-c", name], stdout=subprocess.PIPE, text=True, env=environment(gpu)).stdout
    device = found.strip() if gpu else "CPU alone"
    print(heading([device], versions("gan_jax") | versions("PyTorch"), load(), "both sides in one hour"))


if __name__ == "__main__":
    main()
