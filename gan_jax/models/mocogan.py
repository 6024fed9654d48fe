"""MoCoGAN: clips of one content in motion, judged by frames and as a whole (Tulyakov et al. 2018, arXiv:1707.04993).

What is made is `[B, T · H, W, C]`, the frames of a clip one above another. Of a clip's latent one part is its content,
the same in all frames; the rest is noise, a part for each frame, of which a recurrent network makes the frame's motion
(section 3.1). One judge sees single frames, the other the whole clip, and each has a verdict of its own (section 3.2).

Different from the paper: motion begins from zeros, not from noise; frames are normalised pixel by pixel (Karras et al.
2018, arXiv:1710.10196, section 4.2) and judges not at all, where it has batch normalisation; the judge of frames sees
every n-th of a clip, from one drawn at random, where it sees a single one; and the judge of clips has convolutions in
space and in time by turns (Tran et al. 2018, arXiv:1711.11248) in place of those in both at once.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gan_jax.images import to_frames, to_strips
from gan_jax.layers.convolution import Convolution, Maps, TransposedConvolution
from gan_jax.layers.sequence import SequenceConvolution
from gan_jax.sizes import Size, coarsest, doublings, sides
from gan_jax.types import Condition, End, Images, Latents, Logits

Clips = Float[Array, "batch time height width channels"]


class Generator(nn.Module):
    """Latents `[B, L]` to clips `[B, frames · H, W, channels]` in [-1, 1], where `size`, of a frame, is (H, W).

    The first frames · motion of a latent are noise, the rest content. `memory` is the recurrent network's size, and
    `width` counts the channels beside the image. Raises ValueError for latents that leave no content.
    """

    frames: int
    size: Size
    channels: int = 3
    width: int = 64
    motion: int = 10
    memory: int = 10
    end: End = nn.tanh

    @nn.compact
    def __call__(self, latents: Latents, condition: Condition = None, *, train: bool = False) -> Images:
        """Films one clip for each latent."""
        del condition, train
        if latents.shape[1] <= (noise := self.frames * self.motion):
            raise ValueError(f"latents of {latents.shape[1]} leave no content beside {noise} dimensions of noise")
        content = jnp.repeat(latents[:, None, noise:], self.frames, axis=1)
        shocks = latents[:, :noise].reshape(-1, self.frames, self.motion)
        motion: Any = nn.RNN(nn.GRUCell(self.memory, name="motion"))(shocks)
        codes = jnp.concatenate([content, motion], axis=-1)
        frames = self._draw(codes.reshape(-1, codes.shape[-1]))
        return to_strips(frames.reshape(len(latents), self.frames, *frames.shape[1:]))

    def _draw(self, codes: Float[Array, "frames code"]) -> Images:
        rows, columns = coarsest(self.size)
        stages = doublings(self.size)
        widest = self.width << (stages - 1)
        x: Maps = nn.Dense(rows * columns * widest, kernel_init=_small, name="project")(codes)
        x = nn.relu(_normalised(x.reshape(-1, rows, columns, widest)))
        for i in range(1, stages):
            x = nn.relu(_normalised(TransposedConvolution(widest >> i, 4, 2, name=f"up_{i}")(x)))
        return self.end(TransposedConvolution(self.channels, 4, 2, name="pixels")(x))


class Judges(nn.Module):
    """Clips `[B, frames · H, W, C]` to verdicts of frames, `[B, frames / every]`, and of clips, `[B]`.

    They are for `losses.each`. `every` divides the number of frames; which of the first so many is the first to be
    judged is drawn in training, for the whole batch, and in evaluation is the clip's first.
    """

    of_frames: nn.Module
    of_clips: nn.Module
    frames: int
    every: int = 4

    def __call__(
        self, images: Images, condition: Condition = None, *, train: bool = False
    ) -> tuple[Float[Array, "batch judged"], Logits]:
        """Scores frames, and each clip."""
        del condition
        clips = to_frames(images, self.frames)
        shape = (len(clips), self.frames // self.every, self.every, *clips.shape[2:])
        drawn = self.has_rng("params") and self.every > 1
        first = jax.random.randint(self.make_rng("frame"), (), 0, self.every) if drawn else 0
        seen = jax.lax.dynamic_index_in_dim(clips.reshape(shape), first, axis=2, keepdims=False)
        of_frames = self.of_frames(seen.reshape(-1, *clips.shape[2:]), None, train=train)
        return of_frames.reshape(shape[:2]), self.of_clips(clips, None, train=train)


class ClipDiscriminator(nn.Module):
    """Clips `[B, T, H, W, C]` to logits `[B]`.

    As often as frames can be halved to maps of 4 pixels, a convolution in space halves them, and one in time, of 3 taps
    each of two frames, halves their number while it is even. `width` counts the channels beside the image.
    """

    width: int = 64

    @nn.compact
    def __call__(self, clips: Clips, condition: Condition = None, *, train: bool = False) -> Logits:
        """Scores each clip; positive means real."""
        del condition, train
        x = clips
        for i in range(doublings(sides(clips.shape[2:4]))):
            features = self.width << i
            y = Convolution(features, 4, 2, kernel_init=_he, name=f"space_{i}")(x.reshape(-1, *x.shape[2:]))
            x = _rectified(y).reshape(*x.shape[:2], *y.shape[1:])
            x = _rectified(InTime(features, kernel_init=_he, name=f"time_{i}")(x))
        return nn.Dense(1, kernel_init=_small, name="logit")(x.reshape(len(x), -1))[:, 0]


class InTime(nn.Module):
    """`[B, T, H, W, C] -> [B, T / 2, H, W, features]`, each pixel along its time; of an odd T all frames stay."""

    features: int
    kernel_init: Any

    @nn.compact
    def __call__(self, x: Clips) -> Clips:
        """Applies the layer."""
        count, time, height, width, channels = x.shape
        together = 1 if time % 2 else 2
        pixels = x.transpose(0, 2, 3, 1, 4).reshape(-1, time // together, together * channels)
        y = SequenceConvolution(self.features, 3, self.kernel_init, name="taps")(pixels)
        return y.reshape(count, height, width, -1, self.features).transpose(0, 3, 1, 2, 4)


_small = nn.initializers.normal(0.02)
_he = nn.initializers.variance_scaling(2 / (1 + 0.2**2), "fan_in", "normal")


def _rectified(x: Array) -> Array:
    return nn.leaky_relu(x, 0.2)


def _normalised(x: Maps) -> Maps:
    """Each pixel's channels at a mean square of 1."""
    return x * jax.lax.rsqrt(jnp.mean(jnp.square(x), axis=-1, keepdims=True) + 1e-8)
