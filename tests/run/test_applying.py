"""Trained translators on one's own pictures, through the command line, and in tiles."""

import dataclasses
import zipfile
from itertools import count, pairwise

import av
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image, ImageSequence
from runs import built_once

from gan_jax.cli import main
from gan_jax.config import AnyTask, Config, DataConfig, Inpainting
from gan_jax.config.build import build_gan
from gan_jax.config.schema import kinds
from gan_jax.config.translators import Pix2Pix
from gan_jax.images import to_float
from gan_jax.run import applying, sampling
from gan_jax.run.tiles import in_tiles, places
from gan_jax.run.training import abstract_state
from gan_jax.tasks.degradations import grey, with_hole

TASKS = {
    "super_resolution": (
        "--task.factor 2 --model esrgan --model.blocks 1 --model.growth 4 --model.generator-width 8 "
        "--model.discriminator-width 2 --model.depth 1"
    ),
    "inpainting": "--model pix2pix --model.layers 1 --model.generator-width 4 --model.discriminator-width 2",
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """One trained run for each task, on the digits, 8x8 pixels of grey; and one without a task."""
    # Without a game: how a translator learned does not matter here, and its step is half as long to compile.
    small = "--no-conditional --batch-size 8 --steps 2 --every.sample 100 --every.checkpoint 2 --loss none --task.l1 1"

    def train(folder):
        for task, model in TASKS.items():
            assert main(f"train digits {small} --task {task} {model} --run {folder / task}".split()) == 0

    return built_once(tmp_path_factory, "applying", train)


@pytest.fixture
def run(runs, tmp_path, monkeypatch):
    """`run(task, arguments)` in an empty folder: the exit code."""
    monkeypatch.chdir(tmp_path)
    return lambda task, arguments: main(["apply", str(runs / task), *arguments.split()])


def pixels(height, width, channels=1, seed=0):
    found = np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)
    return found[..., 0] if channels == 1 else found


def save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)
    return array


def load(path):
    with Image.open(path) as picture:
        return picture.mode, np.asarray(picture)


def box(height, width):
    """A mask, white where a box is missing."""
    mask = np.zeros((height, width), np.uint8)
    mask[2:5, 3:7] = 255
    return mask


def test_a_picture_is_made_larger_by_averaged_or_raw_weights(run, runs, tmp_path, capsys):
    save(tmp_path / "small.png", pixels(5, 7))
    assert run("super_resolution", "small.png") == 0
    mode, made = load(runs / "super_resolution/applied/small.png")
    assert mode == "L"
    assert made.shape == (10, 14)
    told = capsys.readouterr().out
    assert told == f"1 picture, made by the averaged weights of step 2: {runs}/super_resolution/applied/small.png\n"
    assert run("super_resolution", "small.png --raw --out raw.png") == 0
    assert "made by the raw weights" in capsys.readouterr().out
    assert np.any(load(tmp_path / "raw.png")[1] != made)


def test_folders_and_zips_keep_their_names(run, tmp_path, capsys):
    names = ["one.png", "deep/two.jpg", "deep/three.bmp", "deep/four.png"]
    for i, name in enumerate(names):
        save(tmp_path / "in" / name, pixels(5, 7 if i else 9, seed=i))
    (tmp_path / "in/notes.txt").write_text("no picture")
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        for name in names:
            archive.write(tmp_path / "in" / name, name)
    assert run("super_resolution", "in --out folder") == run("super_resolution", "in.zip --out zip") == 0
    assert "4 pictures, made by the averaged weights of step 2: folder" in capsys.readouterr().out
    wanted = {"one.png", "deep/two.png", "deep/three.png", "deep/four.png"}
    for out in ("folder", "zip"):
        found = {path.relative_to(tmp_path / out).as_posix() for path in (tmp_path / out).rglob("*.png")}
        assert found == wanted
    for name in wanted:
        np.testing.assert_array_equal(load(tmp_path / "folder" / name)[1], load(tmp_path / "zip" / name)[1])
    assert load(tmp_path / "zip/one.png")[1].shape == (10, 18)


def test_batches_hold_pictures_of_one_size_as_many_as_fit():
    shapes = [(1, 2, 3), (1, 4, 4), (1, 2, 3), (5, 2, 3), (1, 2, 3)]
    assert applying._batches(shapes, 13) == [([0, 2], 2), ([4], 2), ([1], 1), ([3], 2)]


def test_many_pictures_are_made_in_batches_each_as_by_itself(run, tmp_path, monkeypatch):
    monkeypatch.setattr(applying, "AT_ONCE", 4 * 30 * 2)
    for i in range(3):
        save(tmp_path / f"in/{i}.png", pixels(5, 6, seed=i))
    assert run("super_resolution", "in --out all") == run("super_resolution", "in/2.png --out alone.png") == 0
    together, alone = load(tmp_path / "all/2.png")[1], load(tmp_path / "alone.png")[1]
    assert np.max(np.abs(together.astype(int) - alone)) <= 1  # another batch may round differently


def test_alpha_is_made_larger_with_its_picture(run, tmp_path):
    image = pixels(6, 6, 4)
    image[..., 3] = np.repeat([[0, 0, 0, 255, 255, 255]], 6, axis=0)
    save(tmp_path / "rgba.png", image)
    Image.fromarray(image).convert("L").save(tmp_path / "opaque.png")
    assert run("super_resolution", "rgba.png --out a.png") == run("super_resolution", "opaque.png --out b.png") == 0
    mode, made = load(tmp_path / "a.png")
    assert mode == "LA"
    assert made.shape == (12, 12, 2)
    assert np.all(made[:, :4, 1] == 0)
    assert np.all(made[:, 8:, 1] == 255)
    np.testing.assert_array_equal(made[..., 0], load(tmp_path / "b.png")[1])  # the colours are those beneath it


def clip(path, frames, milliseconds, **more):
    first, *rest = [Image.fromarray(frame) for frame in frames]
    path.parent.mkdir(exist_ok=True)
    first.save(path, save_all=True, append_images=rest, duration=milliseconds, loop=0, **more)


def shown(path):
    """Its frames as greys, and for how long each is seen."""
    with Image.open(path) as moving:
        found = [
            (np.asarray(frame.convert("L")), round(frame.info["duration"])) for frame in ImageSequence.Iterator(moving)
        ]
    return zip(*found, strict=True)


@pytest.mark.parametrize("name", ["clip.gif", "clip.png", "clip.webp"])
def test_a_picture_that_moves_is_made_frame_by_frame(run, tmp_path, monkeypatch, name):
    """Two at once, of five: each as the picture that it is would be, and seen for as long."""
    monkeypatch.setattr(applying, "AT_ONCE", 4 * 30 * 2)
    frames = [pixels(5, 6, seed=i) for i in range(5)]
    clip(tmp_path / "in" / name, frames, [40, 50, 60, 70, 80], **({"lossless": True} if name == "clip.webp" else {}))
    for i, frame in enumerate(shown(tmp_path / "in" / name).__next__()):
        save(tmp_path / f"in/{i}.png", frame)
    assert run("super_resolution", "in --out made") == run("super_resolution", f"in/{name} --out film.mp4") == 0
    made, milliseconds = shown(tmp_path / "made/clip.gif")
    assert milliseconds == (40, 50, 60, 70, 80)
    for i, frame in enumerate(made):
        alone = load(tmp_path / f"made/{i}.png")[1]
        assert np.max(np.abs(frame.astype(int) - alone)) <= 1  # another batch may round differently
    with av.open(tmp_path / "film.mp4") as film:
        assert [frame.time for frame in film.decode(video=0)] == pytest.approx([0, 0.04, 0.09, 0.15, 0.22])


def test_a_picture_that_moves_lies_on_white(run, tmp_path):
    """Its transparent half as white pixels, whatever colours are beneath; a still one keeps its alpha."""
    frames = [pixels(6, 6, 4, seed=i) for i in range(2)]
    for frame in frames:
        frame[..., 3] = np.where(np.arange(6) < 3, 0, 255)
    clip(tmp_path / "clear.png", frames, 50)
    white = [Image.fromarray(np.where(frame[..., 3:] > 0, frame[..., :3], 255).astype(np.uint8)) for frame in frames]
    clip(tmp_path / "white.png", [np.asarray(frame) for frame in white], 50)
    assert run("super_resolution", "clear.png --out a.gif") == run("super_resolution", "white.png --out b.gif") == 0
    for a, b in zip(shown(tmp_path / "a.gif").__next__(), shown(tmp_path / "b.gif").__next__(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_picture_for_those_who_know_no_apng_is_no_frame(run, tmp_path):
    frames = [Image.fromarray(pixels(5, 6, seed=i)) for i in range(3)]
    frames[0].save(tmp_path / "clip.png", save_all=True, append_images=frames[1:], duration=50, default_image=True)
    assert run("super_resolution", "clip.png --out made.gif") == 0
    assert [*shown(tmp_path / "made.gif")][1] == (50, 50)


def test_a_mask_is_for_all_frames(run, tmp_path):
    frames = [pixels(8, 8, seed=i) for i in range(3)]
    clip(tmp_path / "clip.png", frames, 50)
    mask = save(tmp_path / "mask.png", box(8, 8))
    assert run("inpainting", "clip.png --mask mask.png --out made.gif") == 0
    made, _ = shown(tmp_path / "made.gif")
    for frame, given in zip(made, frames, strict=True):
        np.testing.assert_array_equal(frame[mask == 0], given[mask == 0])
        assert np.any(frame[mask > 0] != given[mask > 0])


def test_what_is_known_stays_and_what_is_missing_does_not_matter(run, tmp_path):
    image, mask = save(tmp_path / "a.png", pixels(11, 13)), save(tmp_path / "mask.png", box(11, 13))
    other = save(tmp_path / "b.png", np.where(mask, 255 - image, image))
    assert run("inpainting", "a.png --mask mask.png --out 1.png") == 0
    assert run("inpainting", "b.png --mask mask.png --out 2.png") == 0
    made = load(tmp_path / "1.png")[1]
    np.testing.assert_array_equal(made[mask == 0], image[mask == 0])
    assert np.any(made[mask > 0] != image[mask > 0])
    assert np.any(made[mask > 0] != other[mask > 0])
    np.testing.assert_array_equal(made, load(tmp_path / "2.png")[1])


def test_transparent_pixels_are_missing_and_half_transparent_ones_lie_on_white(run, tmp_path):
    image, mask = save(tmp_path / "a.png", pixels(8, 8)), save(tmp_path / "mask.png", box(8, 8))
    alpha = np.where(mask, 0, 255).astype(np.uint8)
    alpha[0, 0] = 51
    save(tmp_path / "clear.png", np.stack([image, image, image, alpha], -1))
    image[0, 0] = np.round(0.2 * image[0, 0] + 0.8 * 255)
    save(tmp_path / "a.png", image)
    assert run("inpainting", "clear.png --out 1.png") == run("inpainting", "a.png --mask mask.png --out 2.png") == 0
    mode, made = load(tmp_path / "1.png")
    assert mode == "L"
    np.testing.assert_array_equal(made, load(tmp_path / "2.png")[1])


def test_a_mask_wins_over_transparent_pixels_which_lie_on_white(run, tmp_path, capsys):
    image, mask = save(tmp_path / "a.png", pixels(8, 8)), save(tmp_path / "mask.png", box(8, 8))
    alpha = np.where(np.arange(8) < 2, 0, 255).astype(np.uint8)[None].repeat(8, 0)
    save(tmp_path / "clear.png", np.stack([image, image, image, alpha], -1))
    save(tmp_path / "white.png", np.where(alpha, image, 255).astype(np.uint8))
    assert run("inpainting", "white.png --mask mask.png --out 1.png") == 0
    assert "transparent" not in capsys.readouterr().out
    assert run("inpainting", "clear.png --mask mask.png --out 2.png") == 0
    told = "clear.png is transparent in places, too: the mask alone says what is made, and these places lie on white\n"
    assert told in capsys.readouterr().out
    np.testing.assert_array_equal(load(tmp_path / "1.png")[1], load(tmp_path / "2.png")[1])
    assert np.all(load(tmp_path / "2.png")[1][mask == 0] == load(tmp_path / "white.png")[1][mask == 0])


def test_masks_are_found_by_name_or_one_is_for_all(run, tmp_path):
    for name in ("a", "b"):
        save(tmp_path / f"in/{name}.png", pixels(8, 8, seed=ord(name)))
        save(tmp_path / f"masks/{name}.bmp", box(8, 8))
    assert run("inpainting", "in --mask masks --out 1") == run("inpainting", "in --mask masks/a.bmp --out 2") == 0
    for name in ("a.png", "b.png"):
        np.testing.assert_array_equal(load(tmp_path / "1" / name)[1], load(tmp_path / "2" / name)[1])


@pytest.mark.parametrize(
    ("task", "arguments", "code", "told"),
    [
        ("super_resolution", "", 2, "apply to what? gan-jax apply RUN_FOLDER PICTURES"),
        ("super_resolution", "plain.png --reverse", 2, "was trained for super_resolution, which goes one way; drop"),
        ("super_resolution", "nowhere.png", 3, "nowhere.png: cannot be read: No such file"),
        ("super_resolution", "nowhere", 3, "nowhere: no such folder or zip"),
        ("super_resolution", "torn.png", 3, "torn.png cannot be read: not an image"),
        ("super_resolution", "good", 3, "good: torn.png cannot be read: not an image"),
        ("super_resolution", "empty", 3, "empty: no pictures in it"),
        ("super_resolution", "notes.txt", 3, "notes.txt: expected a picture (.avif, .bmp, "),
        ("super_resolution", "twins", 3, "a.bmp and a.png would both become"),
        ("super_resolution", "plain.png --out x.jpg", 2, "out: x.jpg should end in .png (of one picture) or"),
        ("super_resolution", "plain.png --out x.gif", 2, "plain.png does not move; name a .png, not x.gif"),
        (
            "super_resolution",
            "plain.png --out .png",
            2,
            "out: .png is an ending without a name; name",
        ),
        ("super_resolution", "plain.png --out x.MP4", 2, "out: x.MP4 should end in .png (of one picture) or .gif"),
        ("super_resolution", "clip.gif --out x.png", 2, "clip.gif moves; name a .gif or .mp4, not x.png"),
        ("super_resolution", "twins --out x.png", 2, "out: expected a folder, for all pictures, got x.png"),
        ("super_resolution", "plain.png --out plain.png", 2, "out: plain.png is one of the pictures that are given"),
        ("super_resolution", "plain.png --out .", 2, "out: plain.png is one of the pictures that are given"),
        (
            "super_resolution",
            "plain.png --out small.png",
            2,
            "out: small.png is there already; name another",
        ),
        ("super_resolution", "plain.png --out good", 2, "good/plain.png is there already; name another place with"),
        ("super_resolution", "torn.png", 3, "gan-jax: {here}/torn.png cannot be read"),
        ("inpainting", "plain.png", 3, "gan-jax: {here}/plain.png does not say what is missing of it"),
        (
            "super_resolution",
            "plain.png --mask none.png",
            2,
            "trained for super_resolution, of which nothing is missing; drop",
        ),
        ("inpainting", "plain.png", 3, "plain.png does not say what is missing of it; name a mask"),
        ("inpainting", "plain.png --mask small.png", 3, "small.png has 3x3 pixels, and plain.png has 8x6 pixels"),
        ("inpainting", "plain.png --mask grey.png", 3, "grey.png is mostly grey; a mask is white where something"),
        ("inpainting", "plain.png --mask none.png", 3, "plain.png: its mask is white nowhere"),
        ("inpainting", "plain.png --mask all.png", 3, "plain.png: its mask is white everywhere"),
        ("inpainting", "opaque.png", 3, "opaque.png: it is fully transparent nowhere"),
        ("inpainting", "plain.png --mask twins", 3, "twins: no mask for plain.png; it would be plain.png"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(run, tmp_path, capsys, task, arguments, code, told):
    save(tmp_path / "plain.png", pixels(6, 8))
    save(tmp_path / "grey.png", np.full((6, 8), 150, np.uint8))
    clip(tmp_path / "clip.gif", [pixels(6, 8, seed=i) for i in range(2)], 50)
    save(tmp_path / "opaque.png", np.dstack([pixels(6, 8, 3), np.full((6, 8), 255, np.uint8)]))
    save(tmp_path / "small.png", np.eye(3, dtype=np.uint8))
    save(tmp_path / "none.png", np.zeros((6, 8), np.uint8))
    save(tmp_path / "all.png", np.full((6, 8), 255, np.uint8))
    for name in ("a.png", "plain.png"):
        save(tmp_path / "good" / name, pixels(6, 8))
    for name in ("a.png", "a.bmp"):
        save(tmp_path / "twins" / name, pixels(6, 8))
    for path in (tmp_path / "torn.png", tmp_path / "good/torn.png", tmp_path / "notes.txt"):
        path.write_text("no picture")
    (tmp_path / "empty").mkdir()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    out = "" if not arguments or "--out" in arguments else " --out made"
    assert run(task, arguments + out) == code
    found = capsys.readouterr().err
    assert told.format(here=tmp_path) in found
    assert found.count("\n") == 1
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}


def test_a_run_without_a_task_draws_samples(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sampling, "of_run", lambda run, **which: sampling.Source(run, Config(), *[None] * 9))
    save(tmp_path / "plain.png", pixels(6, 8))
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.json").write_text("{}")
    assert main(["apply", str(run), str(tmp_path / "plain.png")]) == 2
    assert f"run: {run} draws samples; use gan-jax sample {run}" in capsys.readouterr().err


def test_what_does_not_fit_into_memory_is_not_begun(run, tmp_path, capsys, monkeypatch):
    save(tmp_path / "small.png", pixels(5, 7))
    monkeypatch.setattr("gan_jax.memory.available_memory", lambda: 1000)
    assert run("super_resolution", "small.png --out x.png") == 3
    assert "small.png: 14x10 pixels need 2.5 kB of memory, 1.0 kB are free; reduce it" in capsys.readouterr().err
    clip(tmp_path / "clip.gif", [pixels(5, 7, seed=i) for i in range(30)], 50)
    assert run("super_resolution", "clip.gif --out x.gif") == 3
    assert "clip.gif: 30 frames of 7x5 pixels need 4.2 kB of memory, 1.0 kB are free; cut it" in capsys.readouterr().err
    assert not [*tmp_path.glob("x.*")]


def test_tasks_have_ones_own_pictures_as_in_training():
    images, known = to_float(jnp.asarray(pixels(4, 4, 3))[None]), jnp.ones((1, 4, 4, 1)).at[0, 0].set(0)
    given = lambda name: kinds(AnyTask)[name]().build().given(images, known)
    np.testing.assert_array_equal(given("super_resolution"), images)
    np.testing.assert_array_equal(given("colouring"), grey(images))
    np.testing.assert_array_equal(given("from_edges"), grey(images))  # a drawing is the edges
    np.testing.assert_array_equal(given("inpainting"), with_hole(images, known))


def test_a_depth_that_is_not_named_is_that_of_the_size_in_training():
    config = Config(data=DataConfig(name="mnist"), model=Pix2Pix(), task=Inpainting())
    assert config.model.translators(config.data, config.task)[0].network.depth == 2
    assert config.model.step(config.data) == 4
    odd = dataclasses.replace(config, data=DataConfig(name="mnist", size=27))
    assert odd.model.wrong(odd) == ["data.size: model pix2pix halves images, and 27 pixels are odd; try 32, or 64"]


def test_tiles_cover_a_side_and_share_a_quarter():
    assert places(8, 8) == [0]
    for side in range(9, 60):
        found = places(side, 8)
        assert found[0] == 0
        assert found[-1] == side - 8
        assert all(0 < b - a <= 6 for a, b in pairwise(found))


@pytest.mark.parametrize("tile", [(8, 8), (12, 7), (40, 8), (1, 1)], ids=str)
def test_of_pixels_that_are_made_by_themselves_tiles_are_the_whole(tile):
    given = pixels(40, 30, 2)[None].astype(np.float32) / 7
    pointwise = lambda x: np.repeat(np.repeat(np.sin(x[..., :1]) + x[..., 1:], 3, axis=1), 3, axis=2)
    np.testing.assert_array_equal(in_tiles(pointwise, given, tile, 3), pointwise(given))


def test_tiles_that_differ_are_blended_linearly():
    numbers = iter([0.0, 1.0])
    made = in_tiles(lambda x: np.full_like(x, next(numbers)), np.zeros((1, 1, 12, 1), np.float32), (1, 8), 1)
    np.testing.assert_allclose(made[0, 0, :, 0], [0, 0, 0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1, 1, 1])


def test_a_large_picture_is_made_in_tiles_without_a_seam(run, tmp_path, monkeypatch):
    """A gradient, enlarged at once and in tiles of 16 pixels: no step between neighbours is larger than it was."""
    save(tmp_path / "large.png", np.add.outer(np.arange(40), 2 * np.arange(50)).astype(np.uint8))
    assert run("super_resolution", "large.png --out whole.png") == 0
    monkeypatch.setattr(applying, "AT_ONCE", 32**2)
    assert run("super_resolution", "large.png --out tiles.png") == 0
    whole, tiles = (load(tmp_path / name)[1].astype(int) for name in ("whole.png", "tiles.png"))
    assert whole.shape == tiles.shape == (80, 100)
    assert np.any(whole != tiles)
    for axis in (0, 1):
        largest = lambda image, axis=axis: np.max(np.abs(np.diff(image, axis=axis)))
        assert largest(tiles) <= largest(whole) + 1


def test_the_tiles_of_a_large_picture_are_told(run, tmp_path, monkeypatch, capsys):
    """By a clock by which every tile takes six seconds, and a line is due after ten."""
    save(tmp_path / "large.png", pixels(40, 50))
    monkeypatch.setattr(applying, "AT_ONCE", 32**2)
    clock = count(0, 6)
    monkeypatch.setattr("gan_jax.data.pictures.time.monotonic", lambda: next(clock))
    assert run("super_resolution", "large.png --out tiles.png") == 0
    told = [line for line in capsys.readouterr().err.splitlines() if "tiles" in line]
    assert told[0] == "  1 of 12 tiles of a picture"
    assert len(told) > 2


def test_a_key_has_dropout_draw_the_same_again():
    config = Config(
        data=DataConfig(name="digits", size=32),
        model=Pix2Pix(generator_width=1, discriminator_width=1, layers=1),
        task=Inpainting(),
    )
    gan, source = build_gan(config, 10), np.random.default_rng(0)
    shapes = abstract_state(config, 10).average
    weights = jax.tree.map(lambda leaf: source.normal(size=leaf.shape).astype(np.float32), shapes)
    given = np.stack([pixels(32, 32), np.where(pixels(32, 32, seed=1) > 99, 255, 0).astype(np.uint8)], -1)[None]

    def made(key):
        return applying.make_translation(config, gan, config.task.build(), weights, key).make(given)

    silent, one, again, other = map(made, (None, *map(jax.random.key, (1, 1, 2))))
    np.testing.assert_array_equal(one, again)
    assert np.any(one != silent)
    assert np.any(one != other)
