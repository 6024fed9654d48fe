"""The machine that a comparison runs on: the device of both sides, how busy it is, and with which versions."""

import datetime
import importlib
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib.util import find_spec

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
    """Of a process that is to see the GPU, or none; of either side with large pages, as the command line runs."""
    from gan_jax.run.large_pages import with_wish  # here: a peer's interpreter, which asks for versions, may have none

    hidden = {} if gpu else {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "-1"}
    return (with_wish(os.environ) or dict(os.environ)) | hidden


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


def _device() -> str:
    """The GPU's name, asked in another process: this one is to hold none of it."""
    name = "import jax; print(jax.devices()[0].device_kind)"
    return subprocess.run([sys.executable, "-c", name], stdout=subprocess.PIPE, text=True).stdout.strip()


def main() -> None:
    """Prints what a table of both sides begins with; they compute on a GPU where both find one. One may be missing."""
    both = find_spec("torch") is not None
    sides = ["gan_jax", "PyTorch"] if both else ["gan_jax"]
    gpu = have_gpu(dict.fromkeys(sides, sys.executable))
    device = _device() if gpu else "CPU alone"
    there = {name: number for side in sides for name, number in versions(side).items()}
    print(heading([device], there, load(), "both sides in one hour" if both else "no PyTorch here: gan_jax alone"))


if __name__ == "__main__":
    main()
