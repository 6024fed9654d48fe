"""The pictures of a run that move: what an animation is made of, and films."""

import os
import sys

import av
import numpy as np
import pytest
from PIL import Image, ImageSequence

from gan_jax.config.options import check_ending
from gan_jax.errors import ConfigError
from gan_jax.run.animation import save_animation, save_frames, save_moving
from gan_jax.run.pictures import save_image


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


def test_a_film_has_the_frames_in_their_time(tmp_path):
    """Of an odd size, whose last row and column are repeated; colours to what H.264 makes of them."""
    across, down = np.meshgrid(np.arange(65), np.arange(63))
    frames = [np.uint8(np.stack([2 * across, 2 * down, 0 * down + 20 * i], -1) + i) for i in range(6)]
    save_frames(tmp_path / "film.mp4", [Image.fromarray(frame) for frame in frames], [50] * 3 + [200] * 3)
    with av.open(tmp_path / "film.mp4") as film:
        found = list(film.decode(video=0))
        assert film.duration / 1e6 == pytest.approx(0.75)  # the last frame's time is not lost
    assert [frame.time for frame in found] == pytest.approx([0, 0.05, 0.1, 0.15, 0.35, 0.55])
    for frame, wanted in zip(found, frames, strict=True):
        pixels = frame.to_ndarray(format="rgb24").astype(float)
        assert pixels.shape == (64, 66, 3)
        assert np.mean(np.abs(pixels[:63, :65] - wanted)) < 4
        assert np.mean(np.abs(pixels[-1] - pixels[-2])) < 4


def test_clips_move_side_by_side_in_a_gif_and_in_a_film(tmp_path):
    clips = np.zeros((2, 3, 32, 32, 1), np.uint8)
    clips[1] = np.array([50, 150, 250])[:, None, None, None]
    for name in ("clips.gif", "clips.mp4"):
        save_moving(tmp_path / name, clips, 2)
    with Image.open(tmp_path / "clips.gif") as moving:
        assert moving.n_frames == 3
        size = moving.size
    with av.open(tmp_path / "clips.mp4") as film:
        found = [frame.to_ndarray(format="gray") for frame in film.decode(video=0)]
    assert found[0].shape[::-1] == size
    left, right = (
        np.array([frame[10:50, place].mean() for frame in found]) for place in (slice(10, 50), slice(80, 120))
    )
    assert np.ptp(left) < 3
    assert np.all(np.diff(right) > 80)


def test_a_film_that_nothing_can_write_is_refused(tmp_path, monkeypatch):
    check_ending(tmp_path / "film.mp4", {".mp4": "a film"})
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ConfigError, match=r"film.mp4 needs PyAV.*gan-jax\[video\]"):
        check_ending(tmp_path / "film.mp4", {".mp4": "a film"})


def test_what_a_gif_cannot_tell_of_one_frames_time_is_given_to_the_next(tmp_path):
    """Hundredths of a second: thirty frames of 33 ms take 990 ms, and none takes less than 20."""
    frames = [Image.new("L", (4, 4), i) for i in range(30)]
    save_frames(tmp_path / "moving.gif", frames, [33] * 30)
    save_frames(tmp_path / "fast.gif", frames, [7] * 30)
    told = {}
    for name in ("moving", "fast"):
        with Image.open(tmp_path / f"{name}.gif") as moving:
            told[name] = [frame.info["duration"] for frame in ImageSequence.Iterator(moving)]
    assert (sum(told["moving"]), set(told["moving"])) == (990, {30, 40})
    assert set(told["fast"]) == {20}
