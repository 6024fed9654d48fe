"""The generators that come with the package, and folders like theirs, drawn from by the command line."""

import json
from pathlib import Path

import jax
import numpy as np
import pytest

from gan_jax import cli
from gan_jax.config.build import load_data
from gan_jax.show import examples
from gan_jax.show.exported import load

SIZE = sum(path.stat().st_size for path in examples.FOLDER.rglob("*") if path.is_file())


def test_they_are_small_and_say_where_they_come_from():
    assert SIZE < 3_000_000
    for name in examples.names():
        told = json.loads((examples.FOLDER / name / "generator.json").read_text())
        assert told["trained"]["command"].startswith("gan-jax train ")
        assert told["trained"]["packages"]["jax"]
        assert told["protocol"]["reference"]
        assert "/" not in told["trained"]["command"]
        assert told["scores"]


@pytest.fixture(scope="module")
def digits():
    return load(examples.folder_of("example:digits"))


def test_digits_show_their_labels(digits):
    """By the nearest of the real ones."""
    data = load_data(digits.config)
    labels = np.arange(100, dtype=np.int32) % 10
    drawn = digits.draw(jax.random.key(0), 100, labels)
    real, flat = (images.reshape(len(images), -1).astype(float) for images in (data.images[:], drawn))
    nearest = np.argmin(np.sum(real**2, 1) - 2 * flat @ real.T, axis=1)
    assert np.mean(data.labels[nearest] == labels) > 0.9


def test_the_command_draws_here_what_the_library_does(digits, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["sample", "example:digits", "--count", "20", "--out", "drawn.npz"]) == 0
    with np.load("drawn.npz") as found:
        np.testing.assert_array_equal(found["images"], digits.draw(jax.random.key(0), 20))
    assert cli.main(["sample", str(examples.FOLDER / "digits"), "--count", "20", "--labels", "3"]) == 0
    place = Path("drawn/digits/samples_seed0_20_labels3.png")
    assert [path.relative_to(tmp_path) for path in tmp_path.rglob("*.png")] == [place]
    assert f"from the averaged weights of step 3000: {place}\n" in capsys.readouterr().out


@pytest.mark.parametrize(("labels", "count"), [([], 60), (["--labels", "3,7"], 60), (["--labels", "1,2,3"], 63)])
def test_rows_are_whole_where_nobody_says_how_many(tmp_path, monkeypatch, capsys, labels, count):
    """Ten classes, five times two, three times three."""
    monkeypatch.chdir(tmp_path)
    assert cli.main(["sample", "example:digits", "--out", "drawn.npz", *labels]) == 0
    assert capsys.readouterr().out.startswith(f"{count} images")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["sample", "example:digts"], "no example 'digts', there are digits, "),
        (["sample", "example:digts"], "did you mean example:digits?"),
        (
            ["sample", "example:digits", "--best"],
            "best: example:digits holds one generator alone, no run; leave out --best",
        ),
        (["sample", "example:digits", "--raw"], "leave out --raw"),
        (["sample", "example:digits", "--labels", "11"], "labels: no class '11'"),
        (["evaluate", str(examples.FOLDER / "digits")], "example:digits is not a run folder: no config.json in it"),
        (["evaluate", "example:digits"], "in it; it holds a generator alone, for gan-jax sample, walk, project"),
        (["report", "example:digits"], "example:digits is not a run folder"),
        (["apply", "example:digits", "x.png"], "run: example:digits draws samples; use gan-jax sample example:digits"),
        (["walk", "example:shakespeare"], "run: example:shakespeare makes text, and gan-jax walk shows pictures"),
        (["encode", "example:digits", "x"], "run: example:digits is no autoencoder"),
        (["encode", "example:digits"], "encode which pictures? gan-jax encode example:digits PICTURES"),
    ],
)
def test_what_cannot_be_is_one_line(arguments, line, capsys):
    assert cli.main(arguments) == 2
    assert line in capsys.readouterr().err


def test_weights_in_half_precision_are_read_as_they_are(digits):
    kinds = {leaf.dtype for leaf in jax.tree.leaves(digits.weights)}
    assert kinds == {np.dtype(np.float32)}
    assert Path(examples.FOLDER / "digits" / "generator.safetensors").stat().st_size < 600_000
