"""A small run in a process of its own, for the tests that kill it. Run as: python trainer.py FOLDER STEPS [FAULT]."""

import os
import signal
import sys
from pathlib import Path

os.environ.setdefault("JAX_PLATFORMS", "cpu")

from gan_jax.config import DCGAN, CadenceConfig, Config, DataConfig, EvaluateConfig, PenaltyConfig


def config(steps):
    """Every part of a state in play: both optimizers, batch statistics, labels, averages, k = 2."""
    return Config(
        data=DataConfig(name="digits"),
        model=DCGAN(latent_size=4, generator_width=4, discriminator_width=4),
        conditional=True,
        discriminator_steps=2,
        penalty=PenaltyConfig(r1=0.1),
        batch_size=8,
        steps=steps,
        every=CadenceConfig(log=1, sample=10_000, checkpoint=3, keep=2),
        evaluate=EvaluateConfig(every=4, samples=20, features="pixels"),
    )


def die_inside_a_save():
    """SIGKILL when all files of the third checkpoint are written and none is committed."""
    rename = os.rename

    def deadly(source, target, *args, **kwargs):
        if "9.orbax-checkpoint-tmp" in str(source):
            os.kill(os.getpid(), signal.SIGKILL)
        return rename(source, target, *args, **kwargs)

    os.rename = deadly


def die_inside_a_deletion():
    """SIGKILL at the second file that is deleted."""
    unlink, seen = os.unlink, []

    def deadly(path, *args, **kwargs):
        seen.append(path)
        if len(seen) > 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return unlink(path, *args, **kwargs)

    os.unlink = deadly


FAULTS = {"save": die_inside_a_save, "deletion": die_inside_a_deletion}

if __name__ == "__main__":
    folder, steps, *fault = sys.argv[1:]
    from gan_jax.errors import GanJaxError
    from gan_jax.run.loop import train

    if fault:
        FAULTS[fault[0]]()
    print("ready", flush=True)
    try:
        train(config(int(steps)), Path(folder))
    except GanJaxError as error:
        print(error, flush=True)
        sys.exit(error.exit_code)
