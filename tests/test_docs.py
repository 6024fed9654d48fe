"""The documents' examples run as they stand."""

import re
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import supervision
from gan_jax.types import Batch

DOCS = Path(__file__).parents[1] / "docs"


@pytest.mark.slow
def test_the_examples_of_tasks_run_one_after_the_other():
    scope = {}
    for example in re.findall(r"```python\n(.*?)```", (DOCS / "tasks.md").read_text("utf-8"), re.DOTALL):
        exec(example, scope)
    assert all(np.isfinite(value) for value in scope["metrics"].values())
    draw = lambda latents, pair: (pair[1] / 2, 3 * pair[0])
    pair = jnp.full((2, 4, 4, 1), 0.5), jnp.full((2, 4, 4, 1), -0.2)
    ours, theirs = (term(10.0)(None, draw, None, Batch(pair, pair)) for term in (scope["cycle"], supervision.cycle))
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-6)


@pytest.mark.parametrize("document", sorted(DOCS.glob("*.md")), ids=lambda document: document.name)
def test_every_file_that_is_linked_exists(document):
    for target in re.findall(r"\]\(((?!http)[^)#]+)\)", document.read_text("utf-8")):
        assert (document.parent / target).exists(), target
