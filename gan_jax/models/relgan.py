"""RelGAN: text, character by character, by a relational memory (Nie et al. 2019, openreview.net/forum?id=rJedV3R5tm).

The generator draws each character by Gumbel's noise and reads it again for the next. All noise is of the latents, one
number for each character of the alphabet at each place, so that a text is a function of its latents, as an image is.
The discriminator has many embeddings of one number, and judges the text in each (section 3.3 there).

Where ours differs: the paper's discriminator sees softmax(β(o + g)), and β grows from 1 as training goes on; here it
sees the character itself, and a constant β is of the gradient alone. Dropout is left out.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gan_jax.layers.relational import Memory, RelationalMemory, first_memory
from gan_jax.layers.sequence import straight_through
from gan_jax.types import Condition, Images, Latents, Logits

TAPS = (2, 3, 4, 5)
"""Characters that the discriminator's convolutions see."""


def gumbel(normal: Float[Array, "..."]) -> Float[Array, "..."]:
    """Standard normal numbers as Gumbel's: -log(-log Φ(z)), monotone, so that as many lie below each."""
    return -jnp.log(-jax.scipy.special.log_ndtr(normal))


class _Writer(nn.Module):
    """(memory, the character before) to (memory, logits of the next)."""

    symbols: int
    width: int
    slots: int
    heads: int
    embedding: int

    @nn.compact
    def __call__(
        self, memory: Memory, before: Float[Array, "batch symbols"]
    ) -> tuple[Memory, Float[Array, "batch symbols"]]:
        read = nn.Dense(self.embedding, use_bias=False, name="embedding")(before)
        memory = RelationalMemory(self.width, self.heads, name="memory")(memory, read)
        return memory, nn.Dense(self.symbols, name="characters")(memory.reshape(memory.shape[0], -1))


class Generator(nn.Module):
    """Latents `[B, length · symbols]` to text `[B, 1, length, symbols]`, one-hot, float32.

    Its gradient is that of softmax((o + g) / temperature), o being logits and g the latents' noise; what was drawn is
    read again as it is. The first character follows one that is none. Told a text `[B, 1, length, symbols]`, the
    condition, it draws nothing: it gives the distribution of each character after those of that text, from which the
    text's likelihood is.

    The paper's memory is one slot of 256 numbers and two heads, its embeddings have 32. Raises ValueError for latents
    of another size.
    """

    length: int
    symbols: int
    width: int = 256
    slots: int = 1
    heads: int = 2
    embedding: int = 32
    temperature: float = 1.0

    @nn.compact
    def __call__(self, latents: Latents, condition: Condition = None, *, train: bool = False) -> Images:
        """Writes one text for each latent; or reads one."""
        del train
        count, shape = latents.shape[0], (latents.shape[0], self.length, self.symbols)
        if latents.shape[1] != self.length * self.symbols:
            raise ValueError(
                f"{self.length} characters, each of {self.symbols}, are drawn by {self.length * self.symbols} numbers, "
                f"and latents have {latents.shape[1]}"
            )
        writer = _Writer(self.symbols, self.width, self.slots, self.heads, self.embedding, name="writer")
        memory, none = first_memory(count, self.slots, self.width), jnp.zeros((count, self.symbols))
        along = lambda step: nn.scan(
            step, variable_broadcast="params", split_rngs={"params": False}, in_axes=1, out_axes=1
        )
        if condition is not None:
            text = jnp.asarray(condition)[:, 0]
            before = jnp.concatenate([none[:, None], text[:, :-1]], axis=1)
            _, logits = along(lambda writer, memory, x: writer(memory, x))(writer, memory, before)
            return jax.nn.softmax(logits)[:, None]

        def draw(writer: _Writer, carry: tuple[Memory, Array], noise: Array) -> tuple[tuple[Memory, Array], Array]:
            memory, logits = writer(*carry)
            drawn = straight_through(logits + noise, self.temperature)
            return (memory, jax.lax.stop_gradient(drawn)), drawn

        _, text = along(draw)(writer, (memory, none), gumbel(latents).reshape(shape))
        return text[:, None]


class Discriminator(nn.Module):
    """Text `[B, 1, T, V]` to logits `[B, R]`, float32, one for each of R embeddings of one number; 64 of them there.

    Convolutions of 2 to 5 characters, of `width` channels each (300 there), are shared by all embeddings; the largest
    over the text goes on, through a highway layer (Srivastava et al. 2015, arXiv:1505.00387) and one of 100 numbers.
    """

    width: int = 300
    views: int = 64

    @nn.compact
    def __call__(self, images: Images, condition: Condition = None, *, train: bool = False) -> Logits:
        """Scores each text in each view; larger means real."""
        del condition, train
        embedded = nn.Dense(self.views, use_bias=False, name="embedding")(images[:, 0])
        views = jnp.moveaxis(embedded, -1, 1)  # [B, R, T]
        found = [jnp.max(nn.relu(self._convolved(views, taps)), axis=2) for taps in TAPS]
        x = jnp.concatenate(found, axis=-1)
        share = nn.sigmoid(nn.Dense(x.shape[-1], bias_init=nn.initializers.constant(-2.0), name="share")(x))
        x = share * nn.relu(nn.Dense(x.shape[-1], name="highway")(x)) + (1 - share) * x
        x = nn.Dense(100, name="features")(x)
        return nn.Dense(1, name="logit")(x)[..., 0]

    def _convolved(self, views: Array, taps: int) -> Array:
        """`[B, R, T]` to `[B, R, T - taps + 1, width]`."""
        length = views.shape[-1] - taps + 1
        windows = jnp.stack([views[..., i : i + length] for i in range(taps)], axis=-1)
        return nn.Dense(self.width, name=f"taps_{taps}")(windows)
