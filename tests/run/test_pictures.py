"""The pictures of a run: what an animation is made of."""

import os

import numpy as np
from PIL import Image

from gan_jax.run.pictures import save_animation, save_image


def test_an_animation_goes_without_links_and_pipes(tmp_path):
    frames = [tmp_path / f"step_{i}.png" for i in range(5)]
    for i in (0, 1):
        save_image(frames[i], np.full((8, 8, 1), 100 * i, np.uint8))
    save_image(tmp_path / "private.png", np.full((8, 8, 1), 255, np.uint8))
    frames[2].symlink_to(tmp_path / "private.png")
    os.mkfifo(frames[3])
    save_animation(tmp_path / "training.gif", frames)
    with Image.open(tmp_path / "training.gif") as animation:
        assert animation.n_frames == 2
