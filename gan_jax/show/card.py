"""The model card of a generator, README.md as the Hugging Face hub reads it: a head of YAML, then Markdown."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gan_jax.config import Config
from gan_jax.config.schema import name_of
from gan_jax.config.translators import Translator
from gan_jax.run.scoreboard import Evaluation, table
from gan_jax.show.exported import FIELDS, WEIGHTS
from gan_jax.show.program import PLATFORMS, Program

PROGRAM = "generator.stablehlo"


def card(
    config: Config,
    fields: dict[str, Any],
    parameters: int,
    evaluations: Sequence[Evaluation],
    program: Program | None,
    *,
    picture: str | None,
    lines: Sequence[str] = (),
) -> str:
    """All of README.md. `evaluations` are of the weights that are handed on; `lines` are text that was drawn."""
    drawn = [f"![what it makes]({picture})"] if picture else [f"    {line}" for line in lines]
    return "\n".join(
        [
            *_head(config),
            f"# {name_of(config.model)}, {_data(config)}",
            "",
            *drawn,
            *([""] if drawn else []),
            *_about(config, fields, parameters),
            *_scores(evaluations),
            "## Load it",
            "",
            *_by_gan_jax(config, fields),
            *(_by_jax(config, program) if program else []),
            *_by_flax(),
        ]
    )


def _head(config: Config) -> list[str]:
    pipeline = "image-to-image" if config.task.given else "unconditional-image-generation"
    tags = ["gan", "jax", "flax", "stablehlo", name_of(config.model)]
    return [
        "---",
        "license: unknown # fill in: under what you hand these weights on, which the data may have a say in",
        "library_name: gan_jax",
        *([f"pipeline_tag: {pipeline}"] if config.data.kind == "pictures" else []),
        "tags:",
        *(f"- {tag}" for tag in tags),
        "---",
        "",
    ]


def _data(config: Config) -> str:
    """What it was trained on; of a path the last name alone."""
    path = config.data.path
    return " ".join(Path(path).name.split()).replace("`", "'") if path else config.data.name


def _about(config: Config, fields: dict[str, Any], parameters: int) -> list[str]:
    labels = fields["labels"]
    told = f"{len(labels)}: {', '.join(labels[:10])}{', ...' if len(labels) > 10 else ''}" if labels else "none"
    height, width = fields["size"]
    what = f"images of {height}x{width} pixels, channels: {fields['channels']}"
    if config.data.kind == "text":
        what = f"texts of {width} characters, of an alphabet of {fields['channels']}"
    if config.data.kind == "clips":
        frames = config.data.frames
        what = f"clips of {frames} frames of {height // frames}x{width} pixels, channels: {fields['channels']}"
    rows = {
        "made by": f"{fields['made_by']}, step {fields['step']:,}, {fields['weights']} weights",
        "network": f"{name_of(config.model)}, {parameters:,} parameters",
        "makes": what,
        "of": config.task.called if config.task.given else f"latents of {fields['latent_size']}, standard normal",
        "labels": told.replace("|", "/"),
        "trained on": _data(config).replace("|", "/"),
        "licence of the data": "fill in",
        "meant for, and not for": "fill in",
    }
    return ["| | |", "|---|---|", *(f"| {key} | {value} |" for key, value in rows.items()), ""]


def _scores(evaluations: Sequence[Evaluation]) -> list[str]:
    if not evaluations:
        return ["## Scores", "", "These weights were not scored.", ""]
    return ["## Scores", "", "```text", *table(evaluations), "```", ""]


def _by_gan_jax(config: Config, fields: dict[str, Any]) -> list[str]:
    choose = "  # labels=[3, 1, ...] chooses" if fields["labels"] else ""
    use = f"images = generator.draw(jax.random.key(0), 16){choose}"
    if config.task.given:
        holes = config.task.has_holes
        known = ", the last channel 255 where they are known, else 0" if holes else ""
        use = f"images = generator.translate(pictures)  # uint8 [N, h, w, {fields['channels'] + holes}]{known}"
    kind = "numbers of characters" if config.data.kind == "text" else "floats" if config.data.floats else "uint8"
    same = "made as by gan-jax apply" if config.task.given else "the first of gan-jax sample --seed 0"
    return [
        f"With gan_jax, which reads `{WEIGHTS}` and `{FIELDS}`: {kind}, {same}.",
        "",
        "```python",
        "import jax",
        "from gan_jax.show.exported import load",
        "",
        'generator = load(".")',
        use,
        "```",
        "",
    ]


def loader(config: Config, program: Program) -> str:
    """Ten lines that run the program with JAX alone."""
    lines = ["from pathlib import Path", "", "import jax", "from jax import export", ""]
    lines.append(f'generator = export.deserialize(bytearray(Path("{PROGRAM}").read_bytes()))')
    for name, _, shape in program.takes:
        lines.append(f"{name} = {_example(config, name, shape)}")
    called = ", ".join(name for name, *_ in program.takes)
    span = ", in [-1, 1]" if config.data.kind != "text" and not config.data.floats else ""
    name, dtype, shape = program.gives
    made = f"{dtype} {shape}{', the class of each pixel of pictures in [-1, 1]' if config.task.of_masks else span}"
    return "\n".join([*lines, f"{name} = jax.jit(generator.call)({called})  # {made}"])


def _example(config: Config, name: str, shape: str) -> str:
    """What stands for an input, of the size that it was trained on."""
    height, width = config.data.image_size
    if name == "latents":
        return f"jax.random.normal(jax.random.key(0), (16, {config.model.latent_size}))"
    if name == "labels":
        return "jax.numpy.zeros(16, int)"
    channels = config.data.image_channels if name == "pictures" else 1
    return f"jax.numpy.ones((1, {height}, {width}, {channels}))  # {shape}"


def _by_jax(config: Config, program: Program) -> list[str]:
    step = config.model.step(config.data) if isinstance(config.model, Translator) else 1
    sides = f", of pictures whose sides are multiples of {step} pixels" if step > 1 else ""
    return [
        f"With JAX alone (`pip install jax flatbuffers`), on {', '.join(PLATFORMS)}, from `{PROGRAM}`{sides}:",
        "",
        "```python",
        loader(config, program),
        "```",
        "",
    ]


def _by_flax() -> list[str]:
    return [
        f"The arrays by themselves: `{WEIGHTS}` has them by the paths of Flax's variables.",
        "",
        "```python",
        "from flax.traverse_util import unflatten_dict",
        "from safetensors.numpy import load_file",
        "",
        f'variables = unflatten_dict(load_file("{WEIGHTS}"), sep=".")',
        "```",
        "",
    ]
