"""Stable Diffusion's autoencoders are read, encode and decode here as in PyTorch, and what does not fit is named."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict
from PIL import Image
from safetensors.numpy import save_file

from gan_jax.cli import main
from gan_jax.config import AutoencoderKL, Config, DataConfig, Reconstruction
from gan_jax.config.build import build_gan
from gan_jax.data import arrays
from gan_jax.errors import DataError
from gan_jax.published.autoencoder_kl import OLDER, described
from gan_jax.published.modules import Published
from gan_jax.run.training import abstract_state
from gan_jax.show import exported, imported

MODEL = AutoencoderKL(generator_width=32, code=3, smaller=4, blocks=1)
CONFIG = Config(data=DataConfig(name="pictures", path="x", size=256, channels=1), model=MODEL, task=Reconstruction())


@pytest.fixture(scope="module")
def tensors():
    """A file's tensors, of our own random weights, by the inverse of what is read."""
    template = flatten_dict(exported.variables(abstract_state(CONFIG, 0).generator.weights), sep=".")
    beginning = {
        "encoder.conv_in.weight": np.zeros((32, 1, 3, 3), np.float32),
        "decoder.conv_in.weight": np.zeros((128, 3, 3, 3), np.float32),
    }
    names = [f"encoder.down_blocks.{stage}.resnets.0.conv1.weight" for stage in range(3)]
    network = described(Published("", beginning | dict.fromkeys(names, beginning["encoder.conv_in.weight"]), {}), "x")
    assert network.config == CONFIG
    assert network.places.keys() == template.keys()
    rng, found = np.random.default_rng(0), {}
    for ours, place in network.places.items():
        array = rng.normal(0.1, 0.02, template[ours].shape).astype(np.float32)
        axes = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[array.ndim]
        found[place.name] = np.ascontiguousarray(array.transpose(axes))
        np.testing.assert_array_equal(place.layout(found[place.name]), array)
    assert len(found) == len(template)
    return found


def test_a_file_becomes_a_folder_that_encodes_pictures(tensors, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    newer = {new: old for old, new in OLDER.items()}
    older = lambda name: (
        name.replace("to_out.0", "proj_attn")
        if "to_out.0" in name
        else ".".join(newer.get(part, part) for part in name.split("."))
    )
    save_file({older(name): tensor for name, tensor in tensors.items()}, "vae.safetensors")
    assert main(["import", "vae.safetensors", "--out", "vae"]) == 0
    assert "gan-jax encode vae PICTURES" in capsys.readouterr().out
    (tmp_path / "mine").mkdir()
    pixels = np.random.default_rng(1).integers(0, 256, (5, 16, 8), np.uint8)
    for i, picture in enumerate(pixels):
        Image.fromarray(picture).save(tmp_path / "mine" / f"{i}.png")
    assert main(["encode", "vae", "mine", "--size", "16x8", "--out", "latents.npz"]) == 0
    with np.load("latents.npz") as found:
        assert found["images"].shape == (5, 4, 2, 3)
        latents, pictures = found["images"], found["pictures"]
    assert main(["encode", "vae", "mine", "--size", "16x8", "--out", "latents.npz"]) == 2
    assert "latents.npz is there already; name another place with --out" in capsys.readouterr().err
    assert main(["encode", "vae", "mine", "--size", "16x8", "--out", "rows/images.npy"]) == 0
    whole, rows = (
        arrays.load(path, size=(4, 2), channels=3, deviation=0.5) for path in ("latents.npz", "rows/images.npy")
    )
    np.testing.assert_array_equal(rows.images[:], whole.images[:])
    np.testing.assert_array_equal(rows.pictures, pictures)
    assert rows.decoder.sha256 == whole.decoder.sha256
    assert main(["encode", "vae", "mine", "--size", "16x8", "--out", "rows/images.npy"]) == 2
    assert "out: rows holds images.npy already; name a folder without images.npy, labels" in capsys.readouterr().err
    (tmp_path / "rows" / "decoder.npz").unlink()  # without the mark what lies beside is somebody's
    assert arrays.load("rows/images.npy", size=(4, 2), channels=3, deviation=0.5).pictures is None
    assert main(["encode", "vae", "mine", "--size", "16x8", "--out", "rows.npy"]) == 2
    assert "rows.npy should end in .npz (one file) or images.npy (a file for each array)" in capsys.readouterr().err
    loaded = exported.load("vae")
    mean, _ = loaded.gan.generator.encoder.apply(
        {"params": loaded.weights.params["encoder"]}, jnp.asarray(pixels[..., None] / 127.5 - 1)
    )
    np.testing.assert_allclose(latents, mean, atol=1e-4 * np.abs(mean).max())


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("encode vae", "encode which pictures? gan-jax encode vae PICTURES --out drawn/vae/latents.npz"),
        ("encode vae mine --best", "best: vae holds one generator alone"),
        ("encode vae --size 8", "size: is of pictures of your own; name them"),
        ("encode example:digits mine", "is no autoencoder, its task is none"),
    ],
)
def test_a_mistake_is_one_line(tensors, tmp_path, capsys, monkeypatch, line, said):
    monkeypatch.chdir(tmp_path)
    save_file(tensors, "vae.safetensors")
    imported.import_(tmp_path / "vae.safetensors", tmp_path / "vae")
    assert main(line.split()) == 2
    assert said in capsys.readouterr().err


def test_what_does_not_fit_is_named(tensors, tmp_path):
    path = tmp_path / "vae.safetensors"
    for changed, said in (
        ({"encoder.mid_block.attentions.0.to_q.weight": None}, "its generator lacks encoder.mid_block.attentions.0"),
        (
            {"encoder.conv_in.weight": np.zeros((24, 1, 3, 3), np.float32)},
            "3 stages, from 24 channels on; ours are 3 or 4",
        ),
        (
            {"encoder.conv_in.weight": np.zeros(3, np.float32)},
            r"expected a kernel \[outputs, inputs, k, k\], found \[3",
        ),
        ({"decoder.more.weight": np.zeros(3, np.float32)}, "its generator has unknown decoder.more.weight"),
    ):
        save_file({name: tensor for name, tensor in (tensors | changed).items() if tensor is not None}, path)
        with pytest.raises(DataError, match=f"^{path}: .*{said}"):
            imported.read(path)
    path.write_bytes(b"none")
    with pytest.raises(DataError, match="no safetensors that NumPy can read"):
        imported.read(path)
    with pytest.raises(DataError, match="cannot be read: No such file"):
        imported.read(tmp_path / "other.safetensors")


@pytest.mark.slow
@pytest.mark.parametrize(("widths", "blocks"), [((32, 64, 128, 128), 2), ((32, 64, 128), 1)])
def test_codes_and_pictures_equal_those_of_diffusers(tmp_path, widths, blocks):
    torch = pytest.importorskip("torch", reason="PyTorch comes with the benchmark extra")
    diffusers = pytest.importorskip("diffusers", reason="diffusers comes with the benchmark extra")
    torch.manual_seed(0)
    theirs = diffusers.AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * len(widths),
        up_block_types=("UpDecoderBlock2D",) * len(widths),
        block_out_channels=widths,
        layers_per_block=blocks,
        latent_channels=4,
        norm_num_groups=32,
    ).eval()
    for parameter in theirs.parameters():
        parameter.data.add_(0.2 * torch.randn_like(parameter) * (parameter.ndim == 1))
    theirs.save_pretrained(tmp_path)
    found = imported.read(tmp_path / "diffusion_pytorch_model.safetensors")
    generator, params = build_gan(found.network.config, 0).generator, found.weights.params
    images = np.random.default_rng(0).uniform(-1, 1, (2, 3, 32, 48)).astype(np.float32)
    with torch.no_grad():
        codes = theirs.encode(torch.from_numpy(images)).latent_dist
        wanted = (codes.mean, codes.logvar, theirs.decode(codes.mean).sample)
    ours = jnp.asarray(images.transpose(0, 2, 3, 1))
    made = (
        *generator.encoder.apply({"params": params["encoder"]}, ours),
        generator.apply({"params": params}, None, ours)[0],
    )
    for expected, array in zip(wanted, jax.tree.map(np.asarray, made), strict=True):
        expected = expected.numpy().transpose(0, 2, 3, 1)
        np.testing.assert_allclose(array, expected, atol=3e-5 * np.abs(expected).max())
