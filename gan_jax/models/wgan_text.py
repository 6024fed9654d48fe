"""The networks of characters of WGAN-GP (Gulrajani et al. 2017, arXiv:1704.00028, appendix; the authors' code).

Both are five residual blocks of convolutions along the text, all of one width and length: nothing is made longer or
shorter. What is text is `[B, 1, T, V]`, an image one pixel high, whose channels are the alphabet: the critic is shown
certain characters of real text, and of the generator its distributions, which no character is drawn from.

Or one is: `straight_through` shows the critic characters, drawn by Gumbel's noise, and has gradients flow as if these
were the distributions (Jang et al. 2017, arXiv:1611.01144, section 2.2).
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name

from gan_jax.layers import sequence
from gan_jax.layers.sequence import Sequence, SequenceConvolution
from gan_jax.types import Condition, Images, Latents, Logits, PRNGKey

TAPS = 5

Spelling = Callable[[PRNGKey | None, Sequence], Sequence]
"""(key, logits `[B, T, V]`) to what the critic is shown, of sum 1 at each place; without a key nothing is drawn."""


def softmax(key: PRNGKey | None, logits: Sequence) -> Sequence:
    """The distribution itself, of which nothing is drawn."""
    del key
    return jax.nn.softmax(logits)


class ResidualBlock(nn.Module):
    """`[B, T, C] -> [B, T, C]`: x + 0.3 · conv(φ(conv(φ(x)))), φ a rectifier, convolutions of 5 taps."""

    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Sequence) -> Sequence:
        """Applies the block."""
        layer = lambda name: SequenceConvolution(x.shape[-1], TAPS, dtype=self.dtype, name=name)
        y = layer("convolution_1")(nn.relu(layer("convolution_0")(nn.relu(x))))
        return checkpoint_name(x + 0.3 * y, "block")


class Generator(nn.Module):
    """Latents `[B, L]` to text `[B, 1, length, symbols]`, of sum 1 at each place; the paper's width is 512.

    Computes in `dtype`, the distributions in float32.
    """

    length: int
    symbols: int
    width: int = 512
    blocks: int = 5
    dtype: Any = jnp.float32
    spell: Spelling = softmax

    @nn.compact
    def __call__(self, latents: Latents, condition: Condition = None, *, train: bool = False) -> Images:
        """Writes one text for each latent."""
        del condition, train
        x = nn.Dense(self.length * self.width, kernel_init=_glorot, name="project")(latents)
        x = _blocks(x.reshape(-1, self.length, self.width).astype(self.dtype), self.blocks, self.dtype)
        logits = SequenceConvolution(self.symbols, 1, kernel_init=_glorot, dtype=self.dtype, name="characters")(x)
        key = self.make_rng("gumbel") if self.has_rng("params") else None
        return self.spell(key, logits.astype(jnp.float32))[:, None]


class Discriminator(nn.Module):
    """Text `[B, 1, T, V]` to logits `[B]`, float32: the same the other way."""

    width: int = 512
    blocks: int = 5
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, images: Images, condition: Condition = None, *, train: bool = False) -> Logits:
        """Scores each text; larger means real."""
        del condition, train
        read = SequenceConvolution(self.width, 1, kernel_init=_glorot, dtype=self.dtype, name="characters")
        x = _blocks(read(images[:, 0]), self.blocks, self.dtype)
        features = x.astype(jnp.float32).reshape(len(x), -1)
        return nn.Dense(1, kernel_init=_glorot, name="logit")(features)[:, 0]


def straight_through(temperature: float) -> Spelling:
    """A character drawn from softmax(logits), one-hot, whose gradient is that of softmax((logits + g) / temperature).

    g is Gumbel's noise, -log(-log u), u ~ U(0, 1), as in `sequence.straight_through`. Without a key, as in evaluation,
    it is the likeliest character.
    """

    def spell(key: PRNGKey | None, logits: Sequence) -> Sequence:
        noisy = logits if key is None else logits + jax.random.gumbel(key, logits.shape)
        return sequence.straight_through(noisy, temperature)

    return spell


_glorot = nn.initializers.glorot_uniform()


def _blocks(x: Sequence, count: int, dtype: Any) -> Sequence:
    for i in range(count):
        x = ResidualBlock(dtype, name=f"block_{i}")(x)
    return x
