import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.layers.relational import RelationalMemory, first_memory
from gan_jax.models.relgan import Discriminator, Generator, gumbel
from gan_jax.supervision import likelihood
from gan_jax.types import Batch

KEY = jax.random.key(0)
LENGTH, SYMBOLS = 5, 4


@pytest.fixture(scope="module")
def writer():
    """A generator of five characters of four, and its weights, moved so that characters differ."""
    generator = Generator(LENGTH, SYMBOLS, width=8, slots=2, embedding=3)
    variables = jax.jit(generator.init)({"params": KEY}, jnp.ones((1, LENGTH * SYMBOLS)))
    moved = jax.tree.map(lambda w: w + 0.5 * jax.random.normal(KEY, w.shape), variables)
    return jax.jit(lambda latents, text=None: generator.apply(moved, latents, text)), moved, generator


def texts(*rows):
    return jax.nn.one_hot(jnp.array(rows), SYMBOLS)[:, None]


def test_normal_numbers_become_gumbels():
    """By its distribution function, exp(-exp(-g)), which is then that of the normal; far out, too."""
    z = jnp.array([-8.0, -1.0, 0.0, 2.0, 5.0])
    np.testing.assert_allclose(jnp.exp(-jnp.exp(-gumbel(z))), jax.scipy.stats.norm.cdf(z), rtol=2e-5)
    assert jnp.all(jnp.isfinite(gumbel(jnp.array([-30.0, 12.0]))))


def test_texts_are_drawn_as_often_as_they_are_likely(writer):
    """The first two characters of many drawn texts, beside the product of what each is given those before."""
    write, *_ = writer
    drawn = np.asarray(write(jax.random.normal(KEY, (20_000, LENGTH * SYMBOLS))))[:, 0]
    np.testing.assert_array_equal(np.sort(drawn, -1), np.broadcast_to([0, 0, 0, 1], drawn.shape))
    pairs = np.array([[a, b, 0, 0, 0] for a in range(SYMBOLS) for b in range(SYMBOLS)])
    told = np.asarray(write(jnp.zeros((16, LENGTH * SYMBOLS)), texts(*pairs)))[:, 0]
    np.testing.assert_allclose(told.sum(-1), np.ones((16, LENGTH)), rtol=1e-5)
    likely = told[np.arange(16), 0, pairs[:, 0]] * told[np.arange(16), 1, pairs[:, 1]]
    found = np.einsum("na,nb->ab", drawn[:, 0], drawn[:, 1]).ravel() / len(drawn)
    assert np.ptp(likely) > 0.02
    np.testing.assert_allclose(found, likely, atol=0.012)


def test_what_a_character_is_told_is_what_stands_before_it(writer):
    write, *_ = writer
    latents = jnp.zeros((2, LENGTH * SYMBOLS))
    one, other = write(latents, texts([0, 1, 2, 3, 0], [0, 1, 3, 0, 1]))[:, 0]
    np.testing.assert_array_equal(one[:3], other[:3])
    assert jnp.max(jnp.abs(one[3] - other[3])) > 1e-3


def test_the_last_characters_gradient_is_that_of_its_noisy_distribution(writer):
    """By the bias of the logits, of the first character, which nothing but itself follows from."""
    write, variables, generator = writer
    generator = generator.clone(temperature=0.7)
    latents = jax.random.normal(jax.random.key(3), (1, LENGTH * SYMBOLS))
    noise = gumbel(latents).reshape(LENGTH, SYMBOLS)[0]
    weights = jnp.array([1.0, -2.0, 3.0, 0.5])

    def first(variables):
        return jnp.sum(generator.apply(variables, latents)[0, 0, 0] * weights)

    slope = jax.jit(jax.grad(first))(variables)["params"]["writer"]["characters"]["bias"]
    told = write(latents, texts([0] * LENGTH))[0, 0, 0]
    soft = jax.jit(lambda logits: jnp.sum(weights * jax.nn.softmax((logits + noise) / 0.7)))
    differences = [(soft(jnp.log(told) + d) - soft(jnp.log(told) - d)) / 2e-2 for d in 1e-2 * jnp.eye(SYMBOLS)]
    np.testing.assert_allclose(slope, differences, rtol=2e-2, atol=1e-4)


def test_likelihood_is_in_bits_of_a_character_and_its_gradient_by_finite_differences():
    real = texts([0, 1, 2, 3, 0], [3, 3, 1, 0, 0])
    logits = jax.random.normal(KEY, (2, 1, LENGTH, SYMBOLS))

    def term(logits):
        draw = lambda latents, text: jax.nn.softmax(logits) if text is real else None
        return likelihood(2.0)(KEY, draw, jnp.zeros((2, 1)), Batch(real))

    value, shown = term(logits)
    logs = np.log(np.asarray(jax.nn.softmax(logits)))
    mean = -np.mean(np.sum(np.asarray(real) * logs, axis=-1))
    np.testing.assert_allclose([value, shown["g/bits"]], [2 * mean, mean / np.log(2)], rtol=1e-5)
    slope = jax.grad(lambda logits: term(logits)[0])(logits)
    step = 1e-2 * jnp.zeros_like(logits).at[1, 0, 2, 1].set(1)
    np.testing.assert_allclose(slope[1, 0, 2, 1], (term(logits + step)[0] - term(logits - step)[0]) / 2e-2, rtol=1e-2)


def test_a_memory_asks_all_slots_and_the_input_and_keeps_what_its_gates_do():
    """Against the equations, written out for one number in time."""
    cell = RelationalMemory(4, heads=2)
    memory, given = jax.random.normal(KEY, (1, 3, 4)), jax.random.normal(jax.random.key(1), (1, 2))
    variables = jax.jit(cell.init)({"params": KEY}, memory, given)
    variables = jax.tree.map(lambda w: w + 0.3 * jax.random.normal(KEY, w.shape), variables)
    p = jax.tree.map(np.asarray, variables["params"])
    dense = lambda name, x: x @ p[name]["kernel"] + p[name].get("bias", 0)

    def normalised(name, x):
        centred = x - x.mean(-1, keepdims=True)
        return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-6) * p[name]["scale"] + p[name]["bias"]

    m, x = np.asarray(memory)[0], dense("input", np.asarray(given))
    both = np.concatenate([m, x])
    query, key, value = dense("query", m), dense("key", both), dense("value", both)
    told = np.zeros_like(m)
    for head in (slice(0, 2), slice(2, 4)):
        scores = np.exp(query[:, head] @ key[:, head].T / np.sqrt(2))
        told[:, head] = scores / scores.sum(-1, keepdims=True) @ value[:, head]
    seen = normalised("attended", m + told)
    seen = normalised("thought", seen + np.maximum(dense("mlp_1", np.maximum(dense("mlp_0", seen), 0)), 0))
    write, keep = np.split(dense("gate_input", x) + dense("gate_memory", np.tanh(m)), 2, axis=-1)
    sigmoid = lambda x: 1 / (1 + np.exp(-x))
    expected = sigmoid(write) * np.tanh(seen) + sigmoid(keep + 1) * m
    np.testing.assert_allclose(jax.jit(cell.apply)(variables, memory, given)[0], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(first_memory(2, 3, 4)[1], np.eye(3, 4))


def test_each_view_has_a_score_that_does_not_know_where_a_text_begins():
    """The largest over the text: moved by a place, what is in the middle of nothing is found again."""
    judge = Discriminator(width=3, views=6)
    text = jnp.zeros((1, 1, 16, SYMBOLS)).at[0, 0, 5:8].set(jnp.eye(SYMBOLS)[:3])
    variables = jax.jit(judge.init)({"params": KEY}, text)
    texts = jnp.concatenate([text, jnp.roll(text, 1, axis=2), text[:, :, ::-1]])
    scores, moved, reversed_ = jax.jit(judge.apply)(variables, texts)
    assert scores.shape == (6,)
    np.testing.assert_allclose(moved, scores, rtol=1e-5)
    assert jnp.max(jnp.abs(reversed_ - scores)) > 1e-5


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="are drawn by 20 numbers, and latents have 8"):
        jax.eval_shape(lambda: Generator(LENGTH, SYMBOLS).init({"params": KEY}, jnp.ones((1, 8))))
    with pytest.raises(ValueError, match="not shared by 3 heads"):
        jax.eval_shape(lambda: RelationalMemory(4, 3).init({"params": KEY}, jnp.ones((1, 1, 4)), jnp.ones((1, 2))))


def test_a_batch_may_have_any_size(writer):
    """Exported with a symbolic one, both networks answer as they do."""
    _, variables, generator = writer
    batch = jax.export.symbolic_shape("b")[0]
    given = jax.ShapeDtypeStruct((batch, LENGTH * SYMBOLS), jnp.float32)
    exported = jax.export.export(jax.jit(lambda latents: generator.apply(variables, latents)))(given)
    latents = jax.random.normal(KEY, (3, LENGTH * SYMBOLS))
    np.testing.assert_array_equal(exported.call(latents), jax.jit(generator.apply)(variables, latents))
