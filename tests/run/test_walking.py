"""Walks, sheets and projections of trained generators, through the command line."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from gan_jax import cli
from gan_jax.config import Config, DataConfig, StyleGAN2
from gan_jax.config.build import build_gan
from gan_jax.errors import ConfigError
from gan_jax.images import sheet
from gan_jax.network import init_weights
from gan_jax.run.latents import Found, open_space, save_found
from gan_jax.run.projecting import project
from gan_jax.run.sampling import Source
from gan_jax.run.walking import Asked, sheet_of_directions, sheet_of_mixtures, walk

DIGITS = "example:digits"
DRAWN = Asked(seed=0, labels=None, through=None)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """`run(line)` in an empty folder: the exit code."""
    monkeypatch.chdir(tmp_path)
    return lambda line: cli.main(line.split())


def pixels(path, side=16):
    """Of a grid of images of so many pixels, which is shown enlarged."""
    with Image.open(path) as picture:
        return np.asarray(picture)[:: 64 // side, :: 64 // side]


def one(path, row, column, side=16):
    cell = side + 1
    return pixels(path, side)[cell * row : cell * row + side, cell * column : cell * column + side]


def test_a_walk_begins_with_what_is_sampled_and_moves(run, tmp_path, capsys):
    assert run(f"walk {DIGITS} --count 4 --stops 2 --frames 6 --seconds 0.6 --seed 3 --labels 5 --out walk.gif") == 0
    assert "4 walks of 6 frames, through 2 pictures each; by the averaged weights of step 3000: walk.gif" in (
        capsys.readouterr().out
    )
    with Image.open(tmp_path / "walk.gif") as shown:
        assert (shown.n_frames, shown.size, shown.info["duration"]) == (6, (33 * 4, 33 * 4), 100)
    assert run(f"walk {DIGITS} --count 1 --stops 2 --frames 6 --seed 3 --labels 5 --out strip.png") == 0
    assert run(f"sample {DIGITS} --count 2 --seed 3 --labels 5 --out drawn.npz") == 0
    with np.load(tmp_path / "drawn.npz") as drawn:
        for column, image in zip((0, 3), drawn["images"], strict=True):
            np.testing.assert_allclose(one(tmp_path / "strip.png", 0, column), image[..., 0], atol=1)


@pytest.mark.slow
def test_directions_have_the_picture_in_the_middle_and_differ(run, tmp_path):
    assert run(f"walk {DIGITS} --along 3 --reach 2 --labels 7 --seed 1") == 0
    assert run(f"sample {DIGITS} --count 1 --labels 7 --seed 1 --out drawn.npz") == 0
    path = tmp_path / "drawn/digits/directions_seed1_3.png"
    assert pixels(path).shape == (3 * 17 - 1, 9 * 17 - 1)
    with np.load(tmp_path / "drawn.npz") as drawn:
        for row in range(3):
            np.testing.assert_allclose(one(path, row, 4), drawn["images"][0, ..., 0], atol=1)
    ends = [one(path, row, column) for row in range(3) for column in (0, 8)]
    assert len(np.unique(ends, axis=0)) == 6


def test_a_picture_is_found_again_and_walked_through(run, tmp_path, capsys):
    assert run(f"sample {DIGITS} --count 3 --seed 9 --labels 2,4,6 --out given") == 0
    assert run(f"project {DIGITS} given --steps 100 --samples 100 --out found.png") == 0
    told = capsys.readouterr().out
    assert "3 pictures, PSNR" in told
    assert [line.split(" dB, as ")[1] for line in told.splitlines() if "_label" in line] == ["2", "4", "6"]
    with np.load(tmp_path / "found.npz") as found:
        assert found["points"].shape == (3, 64)
        assert found["points"].dtype == np.float32
        assert list(found["names"]) == [f"00000{i}_label{label}.png" for i, label in enumerate((2, 4, 6))]
        assert np.all(found["psnr"] > 20)
    with Image.open(tmp_path / "given/000001_label4.png") as given:
        np.testing.assert_array_equal(one(tmp_path / "found.png", 0, 1), given)
    assert run(f"walk {DIGITS} --through found.npz --frames 3 --out through.png") == 0
    below = pixels(tmp_path / "found.png")[17:]
    np.testing.assert_allclose(pixels(tmp_path / "through.png"), below, atol=1)


def test_what_is_found_may_be_of_any_size_and_colour(run, tmp_path):
    Image.fromarray(np.zeros((30, 20, 3), np.uint8)).save(tmp_path / "large.jpg")
    assert run(f"project {DIGITS} large.jpg --steps 1 --samples 20") == 0
    assert {path.name for path in (tmp_path / "drawn/digits").iterdir()} == {"projected_1.png", "projected_1.npz"}


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("walk example:shakespeare", 2, "shakespeare makes text, and gan-jax walk shows pictures; use gan-jax sample"),
        ("project example:shakespeare a.png", 2, "gan-jax project shows pictures"),
        (f"walk {DIGITS} --frames 5", 2, "frames: a walk through 6 pictures has 6 or more, not 5"),
        (f"walk {DIGITS} --out a.avi", 2, "out: a.avi should end in .gif or .mp4 or .png"),
        (f"walk {DIGITS} --along 65", 2, "along: this space has 64 dimensions, and no 65 directions"),
        (f"walk {DIGITS} --along 2 --by weights", 2, "by: weights is of styles, and"),
        (f"walk {DIGITS} --by weights", 2, "by: does nothing without --along; drop it"),
        (f"walk {DIGITS} --reach 2", 2, "reach: does nothing without --along; drop it"),
        (f"walk {DIGITS} --along 1 --count 7", 2, "count: does nothing beside --along; drop it"),
        (f"walk {DIGITS} --through bad.npz --seed 3", 2, "seed: does nothing beside --through; drop it"),
        (f"walk {DIGITS} --through bad.npy", 3, "bad.npy: not as gan-jax project writes it"),
        (f"walk {DIGITS} --along 2 --mix 2", 2, "mix: is one sheet, and --along another; ask for one of them"),
        (f"walk {DIGITS} --mix 2", 2, "digits has one style for all its layers, or none; drop --mix"),
        (f"walk {DIGITS} --truncation 0.5", 2, "truncation: model dcgan has no styles to move so; drop --truncation"),
        (f"walk {DIGITS} --labels 11", 2, "labels: no class '11'"),
        (f"walk {DIGITS} --through none.npz", 3, "none.npz: No such file or directory; gan-jax project writes such"),
        (f"walk {DIGITS} --through bad.npz", 3, "bad.npz: not as gan-jax project writes it"),
        (f"walk {DIGITS} --through other.npz", 3, "other.npz: found with other weights than the averaged weights of"),
        (f"project {DIGITS}", 2, "project what? gan-jax project RUN_FOLDER PICTURE ..."),
        (f"project {DIGITS} none.png", 3, "none.png"),
        (f"project {DIGITS} bad.png", 3, "bad.png cannot be read: not an image"),
        (f"project {DIGITS} empty", 3, "no pictures in it"),
        (f"project {DIGITS} bad.png --out a.gif", 2, "out: a.gif should end in .png (the .npz lies beside it)"),
    ],
)
def test_what_cannot_be_is_one_line_and_writes_nothing(run, tmp_path, capsys, line, code, said):
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.png").write_bytes(b"no picture")
    (tmp_path / "bad.npz").write_bytes(b"no arrays")
    np.save(tmp_path / "bad.npy", np.zeros((1, 64)))
    np.savez(tmp_path / "other.npz", points=np.zeros((1, 64), np.float32), labels=np.zeros(1, int), sha256="another")
    before = sorted(tmp_path.iterdir())
    assert run(line) == code
    told = capsys.readouterr().err
    assert said in told
    assert "Traceback" not in told
    assert sorted(tmp_path.iterdir()) == before


@pytest.fixture(scope="module")
def styles():
    """The opened space of a StyleGAN2 that has learnt nothing."""
    config = Config(model=StyleGAN2(latent_size=8, generator_width=4, discriminator_width=4), data=DataConfig("digits"))
    gan = build_gan(config, 0)
    weights = jax.jit(lambda key: init_weights(gan.generator, key, jnp.ones((2, 8)), None))(jax.random.key(0))
    place = lambda name: Path(name)
    source = Source("tiny", config, gan, lambda: weights, {"classes": []}, (), None, "fresh weights", place, [])
    return open_space(source, {}, "walk")


def test_mixtures_stand_between_their_sources(styles, tmp_path):
    (line,) = sheet_of_mixtures(styles, DRAWN, tmp_path / "mixed.png", first=2, count=3)
    assert line.startswith("the first 2 of 4 layers as on the left, the others as above; by fresh weights: ")
    alone = styles.draw(styles.points(0, 6, None), None)
    cells = np.array([[one(tmp_path / "mixed.png", i, j, side=8) for j in range(4)] for i in range(4)])
    assert not cells[0, 0].any()
    np.testing.assert_allclose(cells[0, 1:], alone[3:, ..., 0], atol=1)
    np.testing.assert_allclose(cells[1:, 0], alone[:3, ..., 0], atol=1)
    assert len(np.unique(cells[1:, 1:].reshape(9, -1), axis=0)) == 9


@pytest.mark.parametrize("by", [None, "weights"])
def test_styles_have_directions_by_covariance_and_by_weights(styles, tmp_path, by):
    (line,) = sheet_of_directions(styles, DRAWN, tmp_path / "directions.png", count=2, by=by, reach=1.0)
    assert f"2 directions by {by or 'covariance'}, from -1 to 1 deviations" in line
    (own,) = styles.draw(styles.points(0, 1, None), None)
    rows = [[one(tmp_path / "directions.png", row, column, side=8) for column in range(9)] for row in range(2)]
    for row in rows:
        np.testing.assert_allclose(row[4], own[..., 0], atol=1)
        assert np.abs(row[0].astype(int) - row[8]).max() > 2
    assert not np.array_equal(rows[0][8], rows[1][8])


def test_a_picture_that_was_found_is_not_mixed_alone(styles, tmp_path):
    save_found(tmp_path / "one.npz", styles, Found(styles.points(0, 1, None), None), ["a"], np.ones(1))
    with pytest.raises(ConfigError, match=r"through: .*one.npz holds one picture, and two or more are mixed"):
        sheet_of_mixtures(styles, DRAWN._replace(through=tmp_path / "one.npz"), tmp_path / "m.png", first=2, count=3)


def test_more_layers_than_there_are_cannot_be_mixed(styles, tmp_path):
    with pytest.raises(ConfigError, match="mix: of 4 layers the first 1 to 3 are told the one, not 4"):
        sheet_of_mixtures(styles, DRAWN, tmp_path / "mixed.png", first=4, count=3)


def test_styles_are_walked_through_on_straight_lines(styles, tmp_path):
    walk(styles, DRAWN, tmp_path / "walk.png", count=1, stops=2, frames=4, seconds=1.0)
    a, b = styles.points(0, 2, None)
    expected = styles.draw(jnp.stack([a, (a + b) / 2, b, (a + b) / 2]), None)
    np.testing.assert_allclose(pixels(tmp_path / "walk.png", side=8), sheet(expected, 4)[..., 0], atol=1)


@pytest.mark.slow
def test_runs_are_walked_through_as_they_are_sampled(run, tmp_path):
    small = "--model mlp --batch-size 8 --steps 2 --every.sample 100 --every.checkpoint 2 --run runs"
    assert run(f"train digits {small}") == 0
    assert run("walk runs --raw --frames 6 --count 2") == 0
    assert run("walk runs --along 2") == 0
    assert {path.name for path in (tmp_path / "runs").iterdir()} >= {
        "walk_seed0_2_raw.gif",
        "directions_seed0_2.png",
    }


@pytest.mark.parametrize(
    ("draw", "asked", "ending"),
    [
        (walk, {"count": 1, "stops": 2, "frames": 3, "seconds": 1.0}, ".avi"),
        (sheet_of_directions, {"count": 1, "by": None, "reach": 1.0}, ".gif"),
        (sheet_of_mixtures, {"first": 1, "count": 1}, ".gif"),
        (project, {"steps": 1, "samples": 20, "seed": 0, "labels": None}, ".npz"),
    ],
)
def test_the_functions_refuse_endings_as_the_commands_do(draw, asked, ending):
    with pytest.raises(ConfigError, match=rf"out: x\{ending} should end in"):
        draw(None, None, Path("x" + ending), **asked)  # before the generator is looked at
