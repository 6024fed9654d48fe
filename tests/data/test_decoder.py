"""A decoder beside latents: what is written is read again, and what has changed is refused."""

import json

import numpy as np
import pytest

from gan_jax.data import arrays
from gan_jax.data.decoder import KeptDecoder, from_arrays
from gan_jax.errors import DataError

ARRAYS = {"params.a": np.arange(3.0), "params.b": np.ones((2, 2), np.float32)}
DECODER = KeptDecoder("{}", "the averaged weights of step 7, runs/coder", ARRAYS)
LATENTS = np.random.default_rng(0).normal(size=(5, 2, 2, 3)).astype(np.float32)
PICTURES = np.zeros((5, 8, 8, 1), np.uint8)


def load(path, **found):
    np.savez(path / "latents.npz", **found)
    return arrays.load(str(path / "latents.npz"), size=2, channels=3, deviation=0.5)


def test_a_decoder_comes_back_as_it_was():
    found = from_arrays("x.npz", DECODER.arrays() | {"images": LATENTS})
    assert (found.config, found.called, found.sha256) == (*DECODER[:2], DECODER.sha256)
    assert found.weights.keys() == DECODER.weights.keys()
    for name, array in DECODER.weights.items():
        np.testing.assert_array_equal(found.weights[name], array)
    assert from_arrays("x.npz", {"images": LATENTS}) is None


def test_one_of_an_earlier_version_is_read():
    told = json.loads(str(DECODER.arrays()["decoder"]))
    told |= {"run": "runs/coder", "step": 7}
    del told["called"]
    found = from_arrays("x.npz", DECODER.arrays() | {"decoder": np.array(json.dumps(told))})
    assert found.called == DECODER.called


@pytest.mark.parametrize(
    "changed",
    [
        {"decoder.params.a": np.arange(3.0) + 1},
        {"decoder.params.c": np.ones(1)},
        {"decoder": np.array("{}")},
        {"decoder": np.array("[" * 100_000)},
        {"decoder": np.array(json.dumps({"called": "x", "sha256": "", "config": ""}))},
        {"decoder": np.array(str(DECODER.arrays()["decoder"]).replace('"{}"', '"{ }"'))},
    ],
)
def test_one_that_has_changed_is_refused(changed):
    with pytest.raises(DataError, match=r"x.npz: its decoder is not the one that gan-jax encode wrote"):
        from_arrays("x.npz", DECODER.arrays() | changed)


def test_latents_bring_their_pictures_and_decoder(tmp_path):
    data = load(tmp_path, images=LATENTS, pictures=PICTURES, **DECODER.arrays())
    assert data.pictures.shape == PICTURES.shape
    assert data.decoder.sha256 == DECODER.sha256
    alone = load(tmp_path, images=LATENTS, pictures=PICTURES)
    assert (alone.pictures, alone.decoder) == (None, None)
    assert data.fingerprint == alone.fingerprint  # what no step depends on
    assert data.memory(1) > alone.memory(1)


@pytest.mark.parametrize("pictures", [PICTURES[:4], PICTURES / 2, PICTURES[0], None])
def test_a_decoder_without_its_pictures_is_refused(tmp_path, pictures):
    given = {} if pictures is None else {"pictures": pictures}
    with pytest.raises(DataError, match=r"latents with a decoder have as many pictures uint8 \[5, H, W, C\], got"):
        load(tmp_path, images=LATENTS, **given, **DECODER.arrays())
