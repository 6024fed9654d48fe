"""Animated files of one's own as clips."""

import numpy as np
import pytest
from PIL import Image

from gan_jax.data import clips
from gan_jax.errors import DataError


def save(path, greys, **options):
    """Frames of one grey each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    first, *rest = (Image.new("L", (12, 8), grey) for grey in greys)
    first.save(path, save_all=True, append_images=rest, duration=50, **options)


@pytest.fixture
def folder(tmp_path):
    save(tmp_path / "mine/rising/a.gif", [0, 60, 120, 180])
    save(tmp_path / "mine/falling/b.webp", [200, 100, 50], lossless=True)
    return tmp_path / "mine"


@pytest.mark.parametrize("memory", [0, 1e9])
def test_the_first_frames_lie_one_above_another_and_folders_are_classes(folder, memory):
    data = clips.load(str(folder), frames=3, size=(4, 6), channels=1, memory=memory)
    assert (data.images.shape, data.frames, data.things) == ((2, 12, 6, 1), 3, "clips")
    assert (data.classes, data.labels.tolist()) == (("falling", "rising"), [0, 1])
    greys = data.images[:].reshape(2, 3, 4 * 6)
    np.testing.assert_allclose(greys, np.array([[200, 100, 50], [0, 60, 120]])[..., None].repeat(24, 2), atol=2)


def test_a_clip_that_is_too_short_is_named_or_left_out(folder, capsys):
    load = lambda **how: clips.load(str(folder), frames=4, size=(4, 6), channels=1, **how)
    with pytest.raises(
        DataError, match=r"1 of 2 clips cannot be read: falling/b\.webp: 3 frames, of clips of 4"
    ) as one:
        load()
    assert "\n" not in str(one.value)
    assert len(load(on_bad="skip")) == 1
    assert "left out" in (told := capsys.readouterr().out)
    assert "1 of 2 clips cannot be read: falling/b.webp" in told
    Image.new("L", (12, 8)).save(folder / "rising/still.png")
    with pytest.raises(DataError, match=r"still\.png: 1 frame, of clips of 3"):
        clips.load(str(folder), frames=3, size=(4, 6), channels=1)
