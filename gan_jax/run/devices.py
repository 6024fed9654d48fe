"""The devices that share a run's batches: which they are, and what they are called."""

from collections.abc import Sequence

import jax
from jax.sharding import Mesh

from gan_jax.config import Config
from gan_jax.errors import ConfigError
from gan_jax.run import hosts


def choose_devices(config: Config) -> Sequence[jax.Device]:
    """The devices that share the batch. Raises ConfigError where there are too few, or they cannot."""
    found = jax.devices()
    wanted = config.devices or len(found)
    if wanted > len(found):
        raise ConfigError(f"devices: {wanted} were asked for, there are {len(found)} ({found[0].device_kind})")
    if hosts.several() and wanted < len(found):
        raise ConfigError(
            f"devices: a run of several hosts has all of their {len(found)} devices, not {wanted}; add --devices None"
        )
    if hosts.several() and config.parallel == "pmap":
        raise ConfigError("parallel: pmap is for the devices of one host; choose jit, whose numbers are the same")
    if config.batch_size % wanted:
        raise ConfigError(
            f"batch_size: {config.batch_size} cannot be shared by {wanted} devices; choose a multiple of {wanted}, or "
            "fewer with --devices"
        )
    share = config.batch_size // wanted
    if config.parallel == "pmap" and (wrong := config.penalty.wrong(share)):
        shown = f"; of each batch pmap shows a device {share} images, jit the whole of it"
        raise ConfigError("\n".join(line + shown for line in wrong))
    return found[:wanted]


def called(config: Config, mesh: Mesh) -> str:
    """What the devices of a run are called: "2 x NVIDIA H100 80GB HBM3 by pmap"."""
    devices = list(mesh.devices.flat)
    count = len({device.process_index for device in devices})
    where = (f" on {count} hosts" * (count > 1)) + " by pmap" * (config.parallel == "pmap")
    return f"{len(devices)} x {devices[0].device_kind}{where}"


def noted(config: Config, mesh: Mesh) -> str:
    """The same, and how many steps are one program: where this differs, numbers differ by rounding."""
    return called(config, mesh) + f", {config.steps_per_call} steps in one program" * (config.steps_per_call > 1)
