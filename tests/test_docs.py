"""The site builds without a warning, and the examples on its pages run as they stand."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import supervision
from gan_jax.config import recipes
from gan_jax.config.build import build_gan
from gan_jax.run.training import abstract_state, step_flops
from gan_jax.types import Batch

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))

name = lambda path: path.relative_to(DOCS).as_posix()

PICTURED = {"tutorial.md", "howto/failing.md"}
"""Pages whose examples draw pictures that the site shows, by `STEPS` steps of training."""

LONG = {"howto/latents.md", "howto/loss.md", "howto/model.md", "ideas/conditions.md", "ideas/value.md"}
"""Others that compile much."""

OTHERS = [page for page in PAGES if name(page) not in {*PICTURED, "tasks.md"}]


def examples(page):
    return re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)


def run(page, shorter=lambda example: example):
    scope = {}
    for number, example in enumerate(examples(page), start=1):
        exec(compile(shorter(example), f"{name(page)}, example {number}", "exec"), scope)
    return scope


@pytest.mark.parametrize(
    "page",
    [pytest.param(p, marks=[pytest.mark.slow] * (name(p) in LONG), id=name(p)) for p in OTHERS if examples(p)],
)
def test_the_examples_of_a_page_run_one_after_the_other(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(page)


@pytest.mark.slow
def test_the_examples_of_tasks_run_one_after_the_other():
    scope = run(DOCS / "tasks.md")
    assert all(np.isfinite(value) for value in scope["metrics"].values())
    draw = lambda latents, pair: (pair[1] / 2, 3 * pair[0])
    pair = jnp.full((2, 4, 4, 1), 0.5), jnp.full((2, 4, 4, 1), -0.2)
    ours, theirs = (term(10.0)(None, draw, None, Batch(pair, pair)) for term in (scope["cycle"], supervision.cycle))
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-6)
    one = lambda latents, image: (image / 2, (image.reshape(2, 4, 4), image.reshape(2, 2, 8)))
    noise = np.random.default_rng(0).normal(size=pair[0].shape)
    ours, theirs = (
        term(2.0)(None, one, None, Batch(None, noise)) for term in (scope["contrast"], supervision.contrast)
    )
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("page", sorted(PICTURED))
def test_the_examples_of_a_page_with_pictures_run_with_few_steps(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = run(DOCS / page, lambda example: re.sub(r"^STEPS = .*$", "STEPS = 8", example, flags=re.MULTILINE))
    drawn = {path.name for path in tmp_path.glob("*.png")}
    assert found["STEPS"] == 8
    assert drawn == {path.name for path in (DOCS / "images" / Path(page).stem).glob("*.png")}


@pytest.mark.parametrize("notebook", sorted((DOCS / "notebooks").glob("*.ipynb")), ids=name)
def test_notebooks_are_kept_without_what_they_said(notebook):
    cells = [cell for cell in json.loads(notebook.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert [(cell["outputs"], cell["execution_count"]) for cell in cells] == [([], None)] * len(cells)


@pytest.mark.parametrize("document", PAGES, ids=name)
def test_every_file_that_is_linked_exists(document):
    for target in re.findall(r"\]\(((?!http)[^)#]+)\)", document.read_text("utf-8")):
        assert (document.parent / target).exists(), target


@pytest.mark.parametrize("room", ["models", "tasks", "augment", "latents"])
def test_the_reference_has_every_module_of_a_room(room):
    text = (DOCS / "reference" / f"{room}.md").read_text("utf-8")
    known = set(re.findall(rf"automodule:: gan_jax\.{room}\.(\w+)", text))
    hidden = {"geometry", "colour", "filtering"}  # of the pipeline of ADA
    assert known == {path.stem for path in (ROOT / "gan_jax" / room).glob("[!_]*.py")} - hidden


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path):
    pytest.importorskip("furo")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", DOCS, tmp_path]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    loads = r'<(?:script|img|iframe)[^>]*src="(https?:|//)|<link[^>]*href="(https?:|//)|@import|url\((?:"|\')?https?:'
    for file in [*tmp_path.rglob("*.html"), *tmp_path.rglob("*.css")]:
        assert not re.search(loads, file.read_text("utf-8")), file


@pytest.mark.slow  # networks of full size are traced
@pytest.mark.parametrize(
    ("row", "recipe", "size", "classes"),
    [
        ("CIFAR-10, 32x32", "cifar10_r3gan", None, 10),
        ("ImageNet, 32x32", "imagenet32_r3gan", None, 1000),
        ("ImageNet, 64x64", "imagenet32_r3gan", 64, 1000),
        ("faces, 64x64", "celeb_a_r3gan", None, 0),
        ("faces, 256x256", "celeb_a_r3gan", 256, 0),
    ],
)
def test_what_the_page_on_scale_calls_counted_is_what_is_counted(row, recipe, size, classes):
    config = recipes.load(recipe)
    config = replace(config, data=replace(config.data, size=size))
    (line,) = (line for line in (DOCS / "scale.md").read_text("utf-8").splitlines() if line.startswith(f"| {row} ("))
    _, _, parameters, size_of_state, gflop, *_ = (cell.strip() for cell in line.split("|"))
    state = abstract_state(config, classes)
    millions = [
        sum(leaf.size for leaf in jax.tree.leaves(network.weights.params)) / 1e6
        for network in (state.generator, state.discriminator)
    ]
    numbers = [leaf for leaf in jax.tree.leaves(state) if not jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)]
    assert parameters == ", ".join(f"{count:.1f}" for count in millions)
    assert size_of_state == f"{sum(leaf.size * leaf.dtype.itemsize for leaf in numbers) / 1e9:.2f} GB"
    assert gflop == f"{step_flops(config, build_gan(config, classes)) / config.images_per_step / 1e9:,.0f}"
