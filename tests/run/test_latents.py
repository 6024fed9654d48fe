"""The way of latents, from an autoencoder's run by way of a file to pictures and scores of what is decoded."""

import io
import json
import shutil
from contextlib import redirect_stdout

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from gan_jax.cli import main
from gan_jax.config import recipes
from gan_jax.config.schema import to_json, with_values
from gan_jax.data import arrays, digits
from gan_jax.gan import generate
from gan_jax.run.decoding import of_data
from gan_jax.run.files import RunFolder
from gan_jax.run.sampling import open_run
from gan_jax.run.scoreboard import read_all

AUTOENCODER = (
    "train mnist_autoencoder --data digits --data.size 16 --task.test 0.5 --model.generator-width 4 "
    "--model.discriminator-width 2 --model.layers 1 --model.code 3 --batch-size 8 --steps 2 --evaluate.every None "
    "--every.sample 2 --every.checkpoint 2"
)
GAN = (
    "--data.size 4 --data.channels 3 --model mlp --model.latent-size 4 --model.generator-width 8 "
    "--model.discriminator-width 4 --batch-size 8 --steps 2 --every.sample 2 --every.checkpoint 2 --penalty.r1 0 "
    "--penalty.lazy 1 --anneal.images None --anneal.learning-rate None --evaluate.every None"
)


slow = pytest.mark.slow
"""Half a minute of compiling, for three runs."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """An autoencoder, its latents, and a GAN among them."""
    path = tmp_path_factory.mktemp("latents")
    assert main(f"{AUTOENCODER} --run {path}/coder".split()) == 0
    with redirect_stdout(io.StringIO()) as told:
        assert main(f"encode {path}/coder --out {path}/latents.npz".split()) == 0
    assert "899 latents 4x4x3 of digits (898 pictures are held out, and not among them)" in told.getvalue()
    assert main(f"train mnist_latent --data.path {path}/latents.npz {GAN} --run {path}/gan".split()) == 0
    return path


@slow
def test_an_autoencoder_is_judged_by_its_reconstructions(runs, capsys):
    assert main(f"evaluate {runs}/coder --features pixels --samples 100".split()) == 0
    assert "PSNR" in capsys.readouterr().out
    (found,) = read_all(RunFolder(runs / "coder").metrics)
    assert {"l1", "psnr", "baseline_psnr"} <= found.scores.keys()
    row = json.loads((runs / "coder" / "metrics.jsonl").read_text().splitlines()[0])
    assert row["g/kl"] > 0


@slow
def test_latents_come_with_their_pictures_labels_and_decoder(runs):
    with np.load(runs / "latents.npz") as found:
        latents, pictures, told = found["images"], found["pictures"], json.loads(str(found["decoder"]))
        assert len(found["classes"]) == 10
        assert len(found["labels"]) == len(latents) == len(pictures) == 899  # half of the digits were held out
    assert (latents.shape[1:], latents.dtype) == ((4, 4, 3), np.float32)
    assert (pictures.shape[1:], pictures.dtype) == ((16, 16, 1), np.uint8)
    assert told["called"].startswith("the averaged weights of step 2, ")
    assert len(told["sha256"]) == 64


@slow
def test_what_is_drawn_among_latents_is_shown_and_judged_as_pictures(runs, capsys):
    run = RunFolder(runs / "gan")
    for grid in (run.path / "real.png", run.sample(2)):
        with Image.open(grid) as picture:
            assert picture.mode == "L"
            assert picture.size[0] > 10 * 16
    assert main(f"sample {runs}/gan --count 3 --out {runs}/few.npz".split()) == 0
    assert np.load(runs / "few.npz")["images"].shape == (3, 4, 4, 3)
    assert main(f"sample {runs}/gan --count 3 --out {runs}/few".split()) == 0
    with Image.open(min((runs / "few").glob("*.png"))) as picture:
        assert picture.size == (16, 16)
    assert main(f"evaluate {runs}/gan --features pixels --samples 64".split()) == 0
    assert "16x16x1" in read_all(run.metrics)[-1].protocol["reference"]
    assert capsys.readouterr().err == ""


@slow
def test_decoded_samples_are_what_the_autoencoder_makes_of_them(runs):
    """By the generator of the run itself: codes of pictures, decoded by what the file holds, are reconstructions."""
    data = arrays.load(str(runs / "latents.npz"), size=4, channels=3, deviation=0.5)
    coder = open_run(str(runs / "coder"))
    wanted, nats = generate(coder.gan, coder.state.average, jnp.zeros((5, 1)), jnp.asarray(data.pictures[:5]))
    assert nats.shape == (5,)
    found = of_data(data)(data.images[:5])
    np.testing.assert_allclose(found, np.asarray(wanted) * 127.5 + 127.5, atol=0.51 + 0.1)


@slow
def test_pictures_of_ones_own_are_encoded_too(runs, tmp_path):
    for i, name in enumerate(("nought", "one")):
        (tmp_path / "mine" / name).mkdir(parents=True)
        Image.fromarray(digits.load().images[i, :, :, 0]).save(tmp_path / "mine" / name / "a.png")
    assert main(f"encode {runs}/coder {tmp_path}/mine".split()) == 0
    with np.load(runs / "coder" / "latents.npz") as found:
        assert found["images"].shape == (2, 4, 4, 3)
        assert list(found["classes"]) == ["nought", "one"]


@slow
def test_a_decoder_that_has_gone_or_changed_is_missed(runs, tmp_path, capsys):
    run = shutil.copytree(runs / "gan", tmp_path / "gan")
    (run / "decoder.npz").unlink()
    assert main(f"sample {run}".split()) == 5
    assert "decoder.npz has gone, or is not the decoder that this run was trained with" in capsys.readouterr().err
    with np.load(runs / "latents.npz") as found:
        arrays = dict(found)
    name = next(name for name in arrays if name.startswith("decoder."))
    np.savez(tmp_path / "changed.npz", **arrays | {name: arrays[name] + 1})
    assert main(f"train mnist_latent --data.path {tmp_path}/changed.npz {GAN} --run {tmp_path}/new".split()) == 3
    assert "its decoder is not the one that gan-jax encode wrote" in capsys.readouterr().err
    np.savez(tmp_path / "other.npz", **arrays | {"images": arrays["images"][..., :2]})
    two = GAN.replace("channels 3", "channels 2")
    assert main(f"train mnist_latent --data.path {tmp_path}/other.npz {two} --run {tmp_path}/new".split()) == 3
    assert "its latents have 2 channels, its decoder is of 3 channels" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
    del arrays["pictures"]
    np.savez(tmp_path / "blind.npz", **arrays)
    assert main(f"train mnist_latent --data.path {tmp_path}/blind.npz {GAN} --run {tmp_path}/new".split()) == 3
    assert "as many pictures uint8 [899, H, W, C], got none" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("encode gan", "gan is no autoencoder, its task is none"),
        ("encode coder --out latents.png", "out: latents.png should end in .npz (one file) or images.npy"),
        ("encode coder mine --data-dir there", "data_dir: is of named data, and pictures of your own are to be"),
        ("encode nothing", "nothing is not a run folder"),
        ("train mnist_autoencoder --model dcgan", "model: dcgan is not for --task reconstruction"),
        ("train mnist_autoencoder --data.size 30", "model.smaller: 4 does not divide 30 pixels"),
        ("train mnist_autoencoder --augment diff_augment", "augment.name: what reconstruction gives and makes cannot"),
        ("train mnist_autoencoder --task.l1 0 --loss none", "loss: none, and nothing else that the generator would"),
    ],
)
def test_what_cannot_be_is_one_line(tmp_path, capsys, monkeypatch, line, said):
    monkeypatch.chdir(tmp_path)
    for name, recipe in (("gan", "mnist_latent"), ("coder", "mnist_autoencoder")):
        (tmp_path / name).mkdir()
        config = recipes.load(recipe)
        path = "latents.npz" if config.data.own else None
        (tmp_path / name / "config.json").write_text(to_json(with_values(config, {"data.path": path})))
    assert main(line.split()) == 2
    assert said in capsys.readouterr().err
