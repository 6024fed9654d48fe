"""What leaves the house: it draws what the run draws, with gan_jax and without, and says what it is."""

import json
import re
import shutil
import subprocess
import sys
import types
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import unflatten_dict
from PIL import Image
from safetensors.numpy import load_file

from gan_jax.cli import main
from gan_jax.config import DCGAN, CadenceConfig, Config, DataConfig
from gan_jax.config.build import build_gan
from gan_jax.config.schema import to_json
from gan_jax.config.tasks import Inpainting, Restyled, RestyledOneWay, Segmentation
from gan_jax.config.translators import CUT, CycleGAN, Gated, Pix2Pix
from gan_jax.errors import ConfigError, DataError, GanJaxError
from gan_jax.gan import generate, init
from gan_jax.run.checkpoints import Checkpoints
from gan_jax.run.files import RunFolder
from gan_jax.run.training import abstract_state, example
from gan_jax.show import exported, hub, program

SMALL = Config(
    steps=2,
    batch_size=8,
    conditional=True,
    data=DataConfig(size=8),
    model=DCGAN(latent_size=4, generator_width=2, discriminator_width=2),
    every=CadenceConfig(sample=100, checkpoint=2),
)


NOTES = {"classes": list("0123456789"), "counts": [1] * 10, "scaling": None, "alphabet": ""}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run as a checkpoint has it, whose average is another network than the raw one; exported in its folder."""
    folder = RunFolder(tmp_path_factory.mktemp("exported") / "run")
    folder.path.mkdir()
    folder.config.write_text(to_json(SMALL))
    state = init(build_gan(SMALL, 10), jax.random.key(0), example(SMALL))
    other = jax.tree.map(lambda leaf: 3 * leaf, state.average.params)
    state = state._replace(step=jnp.int32(2), average=state.average._replace(params=other))
    checkpoints = Checkpoints(folder.checkpoints)
    checkpoints.save(2, state, NOTES)
    checkpoints.close()
    assert main(["export", str(folder.path)]) == 0
    return folder.path


@pytest.fixture(scope="module")
def folder(run):
    return run / "exported_step_2"


@pytest.fixture(scope="module")
def generator(folder):
    return exported.load(folder)


@pytest.mark.parametrize("labels", [None, "3,1"])
def test_what_is_loaded_draws_what_sample_draws(run, generator, tmp_path, labels):
    told = [] if labels is None else ["--labels", labels]
    assert main(["sample", str(run), "--seed", "7", "--count", "70", "--out", str(tmp_path / "s.npz"), *told]) == 0
    chosen = None if labels is None else np.resize([3, 1], 70)
    drawn = generator.draw(jax.random.key(7), 70, chosen)
    assert drawn.std() > 0
    np.testing.assert_array_equal(drawn, np.load(tmp_path / "s.npz")["images"])


def test_the_loader_of_the_card_needs_jax_alone(folder, generator):
    """In a process that can import nothing else that this library stands on."""
    without = ["gan_jax", "flax", "optax", "orbax", "safetensors", "etils", "jaxtyping"]
    blocked = f"import sys\nsys.modules |= dict.fromkeys({without})\n"
    (loader,) = (code for code in _examples(folder) if "deserialize" in code)
    shown = "\nimport numpy\nnumpy.save('images.npy', images)\nnumpy.save('latents.npy', latents)\n"
    subprocess.run([sys.executable, "-I", "-c", blocked + loader + shown], cwd=folder, check=True, timeout=120)
    images, latents = np.load(folder / "images.npy"), np.load(folder / "latents.npy")
    ours = jax.jit(generate, static_argnums=0)(generator.gan, generator.weights, latents, np.zeros(16, np.int32))
    assert images.shape == (16, 8, 8, 1)
    np.testing.assert_allclose(images, ours, atol=1e-5)


def test_one_program_is_for_three_platforms_and_every_batch(folder):
    read = jax.export.deserialize(bytearray((folder / "generator.stablehlo").read_bytes()))
    assert read.platforms == ("cpu", "cuda", "tpu")
    assert [str(aval) for aval in read.in_avals] == ["float32[B,4]", "int32[B]"]


def test_arrays_are_called_as_in_the_variables_of_flax(folder, generator):
    variables = unflatten_dict(load_file(folder / "generator.safetensors"), sep=".")
    latents, labels = np.ones((2, 4), np.float32), np.arange(2)
    own = jax.jit(lambda variables: generator.gan.generator.apply(variables, latents, labels, train=False))
    drawn = jax.jit(lambda weights: generate(generator.gan, weights, latents, labels))(generator.weights)
    np.testing.assert_array_equal(own(variables), drawn)


def test_the_card_has_a_head_to_fill_in_and_its_examples_run(folder, monkeypatch):
    text = (folder / "README.md").read_text("utf-8")
    head = text.split("---\n")[1]
    assert re.search(r"^license: unknown # fill in", head, re.MULTILINE)
    assert "library_name: gan_jax\n" in head
    assert "These weights were not scored." in text
    for target in re.findall(r"\]\(([^)]+)\)", text):
        assert (folder / target).exists()
    monkeypatch.chdir(folder)
    first, _, last = _examples(folder)
    scope = {}
    exec(first, scope)
    exec(last, scope)
    assert scope["images"].shape == (16, 8, 8, 1)
    assert "params" in scope["variables"]


@pytest.fixture(scope="module")
def pushed(run, tmp_path_factory):
    """The same run with scores, exported and pushed to a double of the hub: its calls, and the card."""
    protocol = {"weights": "averaged", "samples": 50}
    rows = [
        {"step": 2, "scores": {"fid": 12.5}, "protocol": protocol},
        {"step": 2, "scores": {"fid": 99.5}, "protocol": protocol | {"weights": "raw"}},
        {"step": 1, "scores": {"fid": 77.5}, "protocol": protocol},
    ]
    scored = shutil.copytree(run, tmp_path_factory.mktemp("scored") / "run")
    with (scored / "metrics.jsonl").open("a") as metrics:
        metrics.writelines(json.dumps(row) + "\n" for row in rows)
    calls = []
    out = scored / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "huggingface_hub", hub_of(calls))
        assert main(["export", str(scored), "--out", str(out), "--push", "ada/digits"]) == 0
    return calls, (out / "README.md").read_text("utf-8")


def hub_of(calls, error=None):
    """A double of the hub's client, which writes down what it is asked: the hub itself is never asked here."""

    def upload_folder(**given):
        calls.append(("upload", given["repo_id"], sorted(path.name for path in given["folder_path"].iterdir())))
        if error:
            raise error

    create_repo = lambda repository, **given: calls.append(("create", repository, given))
    return types.SimpleNamespace(create_repo=create_repo, upload_folder=upload_folder)


def test_the_card_has_the_scores_of_these_weights_and_no_others(pushed):
    _, text = pushed
    assert re.search(r"FID ↓ +12\.5", text)
    assert "99.5" not in text
    assert "77.5" not in text


def test_a_push_makes_a_private_repository_and_uploads_the_folder(pushed):
    calls, _ = pushed
    files = ["README.md", "generator.json", "generator.safetensors", "generator.stablehlo", "samples.png"]
    assert calls == [("create", "ada/digits", {"private": True, "exist_ok": True}), ("upload", "ada/digits", files)]


def test_a_push_that_the_hub_refuses_says_where_all_is(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub_of([], OSError("403 Forbidden:\nno token")))
    with pytest.raises(GanJaxError, match=f"push: ada/digits: OSError: 403 Forbidden: no token; {folder} has all"):
        hub.push(folder, "ada/digits")


def test_no_path_of_this_machine_leaves_the_house():
    config = replace(SMALL, data=DataConfig(path="/home/ada/secret/cats.zip", size=8, data_dir="/home/ada/tfds"))
    told = exported.fields(config, {"classes": ["a"], "counts": [3]}, step=1, which="raw")
    assert told["config"]["data"]["path"] == "cats.zip"
    assert "ada" not in json.dumps(told)


def test_where_the_folder_is_the_current_one_what_is_drawn_has_its_name(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert exported.source_of(Path()).place("samples.png") == Path("drawn/exported_step_2/samples.png")


class Own(DCGAN):
    """Somebody's own model, of which JSON could tell no name."""


def test_a_network_that_json_cannot_say_is_refused():
    with pytest.raises(ConfigError, match="model: expected one of"):
        exported.fields(replace(SMALL, model=Own()), {"classes": [], "counts": None}, step=1, which="raw")


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([0, 10], "there are 0 to 9, not 10"),
        ([-1, 0], "there are 0 to 9, not -1"),
        ([0], r"expected 2 whole numbers, got int64 \[1\]"),
        ([0.5, 1.0], "expected 2 whole numbers, got float64"),
    ],
)
def test_labels_that_there_are_not_are_named(generator, labels, said):
    with pytest.raises(ConfigError, match=f"labels: {said}"):
        generator.draw(jax.random.key(0), 2, labels)


def test_a_generator_that_is_given_nothing_translates_nothing(generator):
    with pytest.raises(ConfigError, match=r"is given nothing; use draw\(key, count\)"):
        generator.translate(np.zeros((1, 8, 8, 2), np.uint8))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("generator.json", b"{", "not JSON"),
        ("generator.json", b'{"architectures": ["GPT2"]}', "of another make"),
        ("generator.json", b'{"made_by": "gan_jax 9"}', "not as gan-jax export writes it: no 'config'"),
        ("generator.safetensors", b"PK", "no safetensors that NumPy can read"),
    ],
)
def test_files_of_another_make_are_named(folder, tmp_path, name, content, said):
    for file in ("generator.json", "generator.safetensors"):
        (tmp_path / file).write_bytes((folder / file).read_bytes())
    (tmp_path / name).unlink()
    with pytest.raises(
        DataError, match=f"^{tmp_path}: no {name} in it; expected .* as gan-jax export RUN --out FOLDER"
    ):
        exported.load(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=f"{name}: .*{said}"):
        exported.load(tmp_path)


def test_a_folder_that_there_is_not_is_named_and_how_to_make_one(tmp_path):
    with pytest.raises(DataError, match=f"^{tmp_path}/none: no such folder; expected one with .* as gan-jax export"):
        exported.load(tmp_path / "none")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("step", None, "step: expected a whole number from 0, got None"),
        ("step", "3\x1b]0;pwned\x07", r"step: expected a whole number from 0, got '3\\x1b\]0;pwned\\x07'"),
        ("weights", "best", "weights: expected averaged or raw, got 'best'"),
        ("classes", [0] * 10, r"classes: expected a list of names, got \[0, 0"),
        ("counts", 5, "counts: expected one for each of 10 labels, got 5"),
        ("counts", None, "counts: expected one for each of 10 labels, got None"),
        ("counts", [1] * 50, "counts: expected one for each of 10 labels, got"),
        ("counts", [-1] * 10, "counts: expected one for each of 10 labels, got"),
        ("imported", {"file": "\x1b[31m"}, "imported: expected the name of a file, got"),
        ("imported", 5, "imported: expected the name of a file, got 5"),
        ("alphabet", 5, "alphabet: expected a text, got 5"),
        ("classes", ["a", "b"], "params"),
    ],
)
def test_fields_of_other_kinds_are_named(folder, tmp_path, key, value, said):
    shutil.copy(folder / "generator.safetensors", tmp_path)
    told = json.loads((folder / "generator.json").read_text("utf-8")) | {key: value}
    if key == "classes":
        told |= {"counts": [1] * len(value)}
    (tmp_path / "generator.json").write_text(json.dumps(told))
    with pytest.raises(DataError, match=said):
        exported.load(tmp_path)


def test_labels_are_called_as_the_classes_are(folder, tmp_path):
    shutil.copy(folder / "generator.safetensors", tmp_path)
    told = json.loads((folder / "generator.json").read_text("utf-8")) | {"labels": [*"abcdefghijklmnopqrstuvwxyz"]}
    (tmp_path / "generator.json").write_text(json.dumps(told))
    generator = exported.load(tmp_path)
    assert generator.labels == tuple("0123456789")
    with pytest.raises(ConfigError, match="there are 0 to 9, not 25"):
        generator.draw(jax.random.key(0), 1, [25])


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ("export RUN", 2, "exported_step_2 is not empty; name another folder with --out"),
        ("export RUN --out RUN/config.json", 2, "config.json: Not a directory; name another folder"),
        ("export RUN --out x --push digits", 2, "push: expected OWNER/NAME on the Hugging Face hub, got 'digits'"),
        ("export RUN --out x --best", 5, "has kept no best checkpoint"),
        ("export EMPTY --out x", 5, "has no checkpoint yet"),
        ("export", 2, "export which run?"),
    ],
)
def test_a_mistake_is_named_and_nothing_is_written(run, folder, tmp_path, monkeypatch, capsys, arguments, code, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun/config.json").write_bytes((run / "config.json").read_bytes())
    assert main(arguments.replace("RUN", str(run)).replace("EMPTY", "begun").split()) == code
    assert said in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


TRANSLATORS = {
    "with a hole": (Inpainting(), Pix2Pix(generator_width=2, depth=2)),
    "with a hole, gated": (Inpainting(), Gated(generator_width=4)),
    "between domains": (Restyled(), CycleGAN(generator_width=2, blocks=1)),
    "one way": (RestyledOneWay(), CUT(generator_width=2, blocks=1, features=2)),
}


@pytest.mark.parametrize("name", TRANSLATORS)
def test_one_program_of_a_translator_is_for_pictures_of_every_size(name):
    task, model = TRANSLATORS[name]
    config = Config(data=DataConfig(size=16), task=task, model=model)
    gan = build_gan(config, 0)
    shapes = abstract_state(config, 0).generator.weights
    rng = np.random.default_rng(0)
    weights = jax.tree.map(lambda leaf: rng.normal(0, 0.3, leaf.shape).astype(np.float32), shapes)
    made = program.translator(config, gan, weights)
    read = jax.export.deserialize(bytearray(made.content))
    pictures = rng.uniform(-1, 1, (2, 8, 12, 1)).astype(np.float32)
    known = (rng.uniform(size=pictures.shape) > 0.3).astype(np.float32)
    given = [pictures, known][: len(made.takes)]
    built = task.build()
    ours = jax.jit(
        lambda weights: built.shown(generate(gan, weights, np.zeros((2, 1), np.float32), built.given(pictures, known)))
    )(weights)
    images = jax.jit(read.call)(*given)
    assert images.shape == pictures.shape
    np.testing.assert_allclose(images, ours, atol=1e-5)


def test_the_program_of_a_segmenter_gives_classes():
    config = Config(data=DataConfig(size=8), task=Segmentation(classes=3), model=Pix2Pix(generator_width=2, depth=2))
    gan = build_gan(config, 0)
    rng = np.random.default_rng(0)
    weights = abstract_state(config, 0).generator.weights
    weights = jax.tree.map(lambda leaf: rng.normal(0, 0.3, leaf.shape).astype(np.float32), weights)
    made = program.translator(config, gan, weights)
    assert made.gives == ("classes", "uint8", "[B, 4*h, 4*w]")
    pictures = rng.uniform(-1, 1, (2, 8, 12, 1)).astype(np.float32)
    shares = jax.jit(lambda weights: generate(gan, weights, np.zeros((2, 1), np.float32), pictures))(weights)
    found = jax.jit(jax.export.deserialize(bytearray(made.content)).call)(pictures)
    assert set(np.unique(found)) == {0, 1, 2}
    assert np.mean(found == np.argmax(shares, axis=-1)) > 0.99  # but for ties, to rounding


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ([], "look at it before you hand it on"),
        (["--raw"], "no samples.png: the run's grids are of averaged weights"),
        (["--push", "ada/holes"], "no samples.png: it would show held-out images of the data"),
    ],
)
def test_a_grid_of_the_data_is_shown_to_its_owner_alone_and_beside_the_weights_that_made_it(
    translated, tmp_path, monkeypatch, capsys, asked, said
):
    calls = []
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub_of(calls))
    monkeypatch.setattr(program, "translator", lambda *given: program.Program(b"", [], ("images", "", "")))
    assert main(["export", str(translated.path), "--out", str(tmp_path / "out"), *asked]) == 0
    assert said in capsys.readouterr().out
    shown = not asked
    assert (tmp_path / "out/samples.png").exists() == shown
    text = (tmp_path / "out/README.md").read_text("utf-8")
    assert ("samples.png" in text) == shown
    assert "sides are multiples of 4 pixels" in text
    assert not any("samples.png" in files for what, _, files in calls if what == "upload")
    assert bool(calls) == ("--push" in asked)


@pytest.fixture(scope="module")
def translated(tmp_path_factory):
    """A run that fills holes, as a checkpoint has it, with a grid."""
    task, model = TRANSLATORS["with a hole"]
    config = Config(data=DataConfig(size=16), task=task, model=model)
    folder = RunFolder(tmp_path_factory.mktemp("translated") / "run")
    folder.sample(2).parent.mkdir(parents=True)
    folder.config.write_text(to_json(config))
    folder.sample(2).write_bytes(b"a picture of somebody")
    rng = np.random.default_rng(0)
    state = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), abstract_state(config, 10))
    params = jax.tree.map(lambda leaf: jnp.asarray(rng.normal(0, 0.3, leaf.shape), leaf.dtype), state.average.params)
    checkpoints, notes = Checkpoints(folder.checkpoints), NOTES | {"counts": None}
    checkpoints.save(2, state._replace(step=jnp.int32(2), average=state.average._replace(params=params)), notes)
    checkpoints.close()
    return folder


def test_what_was_exported_is_applied_as_its_run_is(translated, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(program, "translator", lambda *given: program.Program(b"", [], ("images", "", "")))
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(1).integers(0, 256, (16, 20, 2)).astype(np.uint8)
    pixels[4:8, 4:8, 1] = 0
    Image.fromarray(pixels, "LA").save("in.png")
    run, there, here = str(translated.path), tmp_path / "there", tmp_path / "drawn/out/applied"
    assert main(["export", run, "--out", "out"]) == 0
    assert main(["apply", run, "in.png", "--out", str(there)]) == 0
    assert main(["apply", "out", "in.png"]) == 0
    ours, theirs = (np.asarray(Image.open(folder / "in.png")) for folder in (there, here))
    np.testing.assert_array_equal(ours, theirs)
    assert ours.std() > 0
    with pytest.raises(
        ValueError, match=r"expected pictures uint8 \[N, h, w, 2\], the last channel 255 where they are"
    ):
        exported.load("out").translate(pixels[None, ..., :1])
    assert main(["sample", "out"]) == 2
    assert "use gan-jax apply out" in capsys.readouterr().err
    assert main(["apply", "out", "in.png", "--raw"]) == 2
    assert "raw: out holds one generator alone" in capsys.readouterr().err


def test_weights_that_no_file_holds_are_refused(generator, monkeypatch):
    monkeypatch.setattr(program, "LARGEST", 1000)
    with pytest.raises(program.TooLargeError, match=r"weights of .* kB do not fit into one file"):
        program.sampler(generator.gan, generator.weights, labels=True)


def _examples(folder):
    return re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text("utf-8"), re.DOTALL)
