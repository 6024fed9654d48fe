"""How far two collections of text are apart by their n-grams of characters, and what an n-gram model writes.

Texts are rows of numbers below 256, uint8 `[N, T]`.
"""

import numpy as np
from jaxtyping import Int, UInt8

Texts = UInt8[np.ndarray, "texts characters"]

ORDERS = (1, 2, 3, 4)
"""Characters of the n-grams that are counted, as Gulrajani et al. 2017 (arXiv:1704.00028) do in their code."""


def divergence(texts: Texts, others: Texts, n: int) -> float:
    """Jensen-Shannon divergence of their n-grams, in bits: 0 for the same shares of each, 1 where they share none.

    H((p + q) / 2) - (H(p) + H(q)) / 2, of the shares p and q of all n-grams that lie within one text (Lin 1991,
    doi:10.1109/18.61115). Few texts have few of a language's n-grams: of two samples of one distribution it is above 0,
    the more so the fewer they are. So only divergences between as many texts of one length are to be compared.
    """
    codes = [_codes(side, n).ravel() for side in (texts, others)]
    shown, inverse = np.unique(np.concatenate(codes), return_inverse=True)
    sides = np.split(inverse, [len(codes[0])])
    p, q = (np.bincount(side, minlength=len(shown)) / len(side) for side in sides)
    return max(0.0, float(_entropy((p + q) / 2) - (_entropy(p) + _entropy(q)) / 2))


def divergences(texts: Texts, others: Texts) -> dict[str, float]:
    """`divergence` for n of 1 to 4, as js1 to js4."""
    return {f"js{n}": divergence(texts, others, n) for n in ORDERS}


def markov(text: UInt8[np.ndarray, " long"], n: int, *, count: int, length: int, seed: int) -> Texts:
    """`[count, length]` by an n-gram model of a long text: a Markov chain whose state is the last n - 1 characters.

    Each character is drawn as often as it follows its n - 1 predecessors in the text, and the first of a piece as often
    as they occur; nothing is smoothed. The text is a ring, so that something follows everywhere. n = 1 draws characters
    by their frequency alone.
    """
    draw = np.random.Generator(np.random.Philox(key=seed))
    ring = np.concatenate([text, text[: length + n]])
    contexts = _codes(ring[None, : len(text) + n - 2], n - 1)[0] if n > 1 else np.zeros(len(text), np.int64)
    order = np.argsort(contexts, kind="stable")
    ranked = contexts[order]
    starts = draw.integers(len(text), size=count)
    pieces = ring[starts[:, None] + np.arange(max(n - 1, 1))]
    while pieces.shape[1] < length:
        now = _codes(pieces[:, pieces.shape[1] - n + 1 :], n - 1)[:, 0] if n > 1 else np.zeros(count, np.int64)
        low, high = (np.searchsorted(ranked, now, side) for side in ("left", "right"))
        found = order[draw.integers(low, high)]
        pieces = np.concatenate([pieces, ring[found + n - 1][:, None]], axis=1)
    return pieces[:, :length]


def _codes(texts: Texts, n: int) -> Int[np.ndarray, "texts ngrams"]:
    """Every n-gram as one number."""
    texts = np.asarray(texts)
    count = texts.shape[1] - n + 1
    return np.sum([texts[:, i : i + count].astype(np.int64) << (8 * i) for i in range(n)], axis=0)


def _entropy(shares: np.ndarray) -> float:
    """In bits."""
    some = shares[shares > 0]
    return float(-np.sum(some * np.log2(some)))
