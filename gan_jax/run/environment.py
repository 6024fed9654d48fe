"""environment.json: when and how a run was started, on what, with which versions and data."""

import json
import platform
import sys
import time
from importlib.metadata import version

from gan_jax import __version__
from gan_jax.data.dataset import Dataset
from gan_jax.run.files import RunFolder, read, set_aside, write_atomically

PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")


def note_start(folder: RunFolder, data: Dataset, devices: str) -> list[str]:
    """Adds this start to those before it; returns remarks: on a file that holds no list, which is set aside.

    Raises RunError if the file cannot be read, or is no regular one.
    """
    this = {
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "command": sys.argv,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "devices": devices,
        "packages": {"gan-jax": __version__} | {name: version(name) for name in PACKAGES},
        "data": {"name": data.name, "images": len(data), "classes": list(data.classes), "sha256": data.fingerprint},
    }
    remarks = []
    content = read(folder.environment)
    try:
        earlier = [] if content is None else json.loads(content.decode("utf-8"))
        if not isinstance(earlier, list):
            raise ValueError("no list of starts")
    except (ValueError, RecursionError):
        earlier = []
        remarks = [f"environment.json is damaged; set aside as {set_aside(folder.environment, 'damaged').name}"]
    write_atomically(folder.environment, json.dumps([*earlier, this], indent=2).encode())
    return remarks
