"""What a classifier that learned from few labels takes one's own pictures for: `gan-jax apply`."""

import re
from pathlib import Path

import jax
import numpy as np

from gan_jax import parallel
from gan_jax.config.options import ENDINGS, check_ending
from gan_jax.data.pictures import Pictures, told_of
from gan_jax.data.reading import read_ahead
from gan_jax.run.album import open_album
from gan_jax.run.classifying import AT_ONCE, make_classifier
from gan_jax.run.files import check_absent, write_atomically
from gan_jax.run.sampling import open_run

HEAD = ("picture", "class", "probability")
"""Of the table's columns."""


def recognise(run: str, source: Path, *, out: Path | None, best: bool) -> list[str]:
    """Reads all that is given, then returns a table of what each picture is taken for, or writes it, and what to tell.

    Columns are separated by tabs: the picture's name, the likeliest class's, and its probability among the classes.
    Pictures are fitted to the size and channels of those in training. Raises ConfigError, DataError, RunError.
    """
    check_ending(out, ENDINGS["named"])
    trained = open_run(run, best=best)
    data, classes = trained.config.data, trained.notes["classes"]
    album = open_album(source)
    if out is not None:
        check_absent(out)
    pictures = Pictures(album.shown, album.files, data.image_size, data.image_channels, mend="mend it, or take it away")
    classify = make_classifier(trained.gan, parallel.make_mesh(jax.local_devices()[:1]))
    count = -(-len(pictures) // AT_ONCE)
    with read_ahead(lambda k: pictures[k * AT_ONCE : (k + 1) * AT_ONCE], 0, count) as parts:
        told = told_of(parts, count, things=f"batches of {AT_ONCE} pictures")
        logits = np.concatenate([classify(trained.state.discriminator.weights, part) for part in told])
    shares = np.asarray(jax.nn.softmax(logits))
    found = zip(album.files.names, shares.argmax(axis=1), shares.max(axis=1), strict=True)
    rows = ["\t".join(HEAD), *(f"{_cell(name)}\t{_cell(classes[i])}\t{share:.3f}" for name, i, share in found)]
    named = "1 picture" if len(pictures) == 1 else f"{len(pictures):,} pictures"
    by = f"{named}, named by the discriminator of step {int(trained.state.step)}"
    if out is None:
        return [*trained.remarks, *rows, by]
    write_atomically(out, "".join(f"{row}\n" for row in rows).encode())
    return [*trained.remarks, f"{by}: {out}"]


def _cell(text: str) -> str:
    """A name that may hold what ends a cell."""
    return re.sub(r"[\x00-\x1f\x7f]", "?", text)
