"""Makes an example of a run: `python benchmarks/examples.py RUN NAME`, into gan_jax/examples/NAME.

That is what `gan-jax export` writes of its averaged weights, those of its best checkpoint if it has kept one, in half
precision; and with it, how the run was trained, and its scores at that step with their protocol.
"""

import json
import sys
from typing import Any

import jax
import jax.numpy as jnp

from gan_jax.run import programs
from gan_jax.run.files import RunFolder
from gan_jax.run.sampling import open_run, sampling_weights
from gan_jax.show.examples import FOLDER
from gan_jax.show.exported import fields, packed


def main(run: str, name: str) -> None:
    """Writes both files, and says how large they are."""
    programs.prepare()
    config, gan, state, notes, _, counts, _ = open_run(run, best=RunFolder(run).best.is_dir())
    weights, step = jax.tree.map(half, sampling_weights(gan, state, counts)), int(state.step)
    told = fields(config, notes, step=step, which="averaged") | trained(RunFolder(run), step, config.steps)
    for file, content in packed(weights, told).items():
        path = FOLDER / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        print(f"{path}: {len(content):,} bytes")


def half(leaf: jax.Array) -> jax.Array:
    """A leaf of weights in float16; what float16 cannot hold is refused."""
    if not jnp.issubdtype(leaf.dtype, jnp.floating):
        return leaf
    narrow = leaf.astype(jnp.float16)
    assert jnp.all(jnp.isfinite(narrow)), "a weight is beyond float16"
    return narrow


def trained(folder: RunFolder, step: int, steps: int) -> dict[str, Any]:
    """When and how, with what versions, on what; and the last scores of a step, of as many. No folder is named."""
    first, *_ = starts = json.loads(folder.environment.read_text())
    kept = {key: first[key] for key in ("started", "python", "devices", "packages")}
    data = {key: first["data"][key] for key in ("name", "images", "sha256")}
    rows = [json.loads(line) for line in folder.metrics.read_text().splitlines()]
    row = [row for row in rows if "scores" in row and row["step"] == step][-1]
    command = ["gan-jax", *(argument.rpartition("/")[2] for argument in first["command"][1:])]
    how = {"command": " ".join(command), "steps": steps, "starts": len(starts), **kept, "data": data}
    return {"trained": how, "scores": row["scores"], "protocol": row["protocol"]}


if __name__ == "__main__":
    main(*sys.argv[1:])
