"""Latents and pictures: what an autoencoder's run makes of the ones, and of the others."""

import io
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.config.checks import from_json
from gan_jax.config.translators import Autoencoder
from gan_jax.data.dataset import Dataset
from gan_jax.data.decoder import KeptDecoder, from_arrays
from gan_jax.data.scaling import Scaling
from gan_jax.errors import ConfigError, DataError, RunError
from gan_jax.images import to_bytes
from gan_jax.network import evaluate, init_weights
from gan_jax.run import named_arrays
from gan_jax.run.checkpoints import Notes
from gan_jax.run.files import RunFolder, read, write_atomically
from gan_jax.types import Bytes, Images

Decode = Callable[[Images | Bytes | np.ndarray], np.ndarray]
"""Latents as networks see them, `[N, h, w, c]`, to pictures uint8 `[N, H, W, C]`; pictures stay what they are."""

AT_ONCE, PIXELS = 64, 1 << 18
"""Pictures that an autoencoder makes in one program, always: another number could round differently. Fewer, where they
have more pixels together, as one of 256x256 may take half a gigabyte."""


def at_once(height: int, width: int) -> int:
    """The same, of pictures of a size."""
    return max(1, min(AT_ONCE, PIXELS // (height * width)))


def make_decode(decoder: KeptDecoder, scaling: Scaling, where: str) -> Decode:
    """Builds `decode(latents)`, compiled once. Raises DataError for a decoder of other latents or another version."""
    try:
        config = from_json(decoder.config)
    except ConfigError as error:
        raise DataError(f"{where}: the config of its decoder: {error}") from None
    model, channels = config.model, len(scaling.mean)
    if not isinstance(model, Autoencoder) or model.code != channels:
        made = f"{model.code} channels" if isinstance(model, Autoencoder) else "no autoencoder"
        raise DataError(f"{where}: its latents have {channels} channels, its decoder is of {made}; encode them anew")
    _, network = model.coders(config.data)
    example = jnp.zeros((1, 1, 1, channels))
    template = jax.eval_shape(lambda: init_weights(network, jax.random.key(0), example, None))
    try:
        weights = named_arrays.from_arrays(template, decoder.weights, where=where)
    except RunError as error:
        raise DataError(f"{error}; encode the pictures anew") from None
    some = jax.jit(lambda weights, latents: to_bytes(evaluate(network, weights, latents, None)))

    def decode(latents: Images | Bytes | np.ndarray) -> np.ndarray:
        seen = np.asarray(latents)
        if seen.dtype == np.uint8:
            return seen
        count = at_once(*(model.smaller * side for side in seen.shape[1:3]))
        return in_parts(partial(some, weights), scaling.back(seen), count)

    return decode


def in_parts(make: Callable[[np.ndarray], jax.Array], given: np.ndarray, size: int) -> np.ndarray:
    """`make(given)`, so many at a time; the last ones are filled up."""
    count = len(given)
    filled = np.concatenate([given, given[:1].repeat(-count % size, 0)])
    return np.concatenate([np.asarray(make(filled[k : k + size])) for k in range(0, count, size)])[:count]


def of_data(data: Dataset) -> Decode | None:
    """What makes pictures of a dataset's images; None if they are no latents with a decoder. Raises DataError."""
    if data.decoder is None or data.scaling is None:
        return None
    return make_decode(data.decoder, data.scaling, data.name)


def keep(data: Dataset, folder: RunFolder) -> None:
    """Stores the decoder of the data with a run, once. Raises DataError for another than it has, or RunError."""
    if data.decoder is None:
        return
    kept = _kept(folder)
    if kept is not None and kept.sha256 != data.decoder.sha256:
        raise DataError(
            f"{data.name}: its decoder is not the one that this run has kept, {folder.decoder}; restore the file, or "
            "start another run with --run"
        )
    if kept is None:
        buffer = io.BytesIO()
        np.savez(buffer, **data.decoder.arrays())  # type: ignore[arg-type]
        write_atomically(folder.decoder, buffer.getvalue())


def of_run(folder: RunFolder, notes: Notes) -> Decode | None:
    """What makes pictures of what a run draws, by its checkpoint's notes; None if it draws pictures, or other floats.

    Raises RunError where the decoder that it was trained with has gone, or has changed.
    """
    if (wanted := notes.get("decoder")) is None:
        return None
    kept, where = _kept(folder), str(folder.decoder)
    if kept is None or kept.sha256 != wanted:
        raise RunError(f"{where} has gone, or is not the decoder that this run was trained with; put it back")
    return make_decode(kept, Scaling(*notes["scaling"]), where)


def _kept(folder: RunFolder) -> KeptDecoder | None:
    """The decoder that a run has kept; None if it kept none, or one that is damaged. Raises RunError."""
    content = read(folder.decoder)
    try:
        with np.load(io.BytesIO(content or b""), allow_pickle=False) as archive:
            return from_arrays(str(folder.decoder), {name: archive[name] for name in archive})
    except Exception:  # whatever a damaged file makes NumPy raise
        return None
