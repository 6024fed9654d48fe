"""How a person is to read what a report shows of a run."""

from gan_jax.config import Segmentation
from gan_jax.run.labels import row_of_labels
from gan_jax.run.record import COLUMNS
from gan_jax.show.account import Account, short
from gan_jax.tasks.segmentation import palette


def of_grids(account: Account) -> str:
    """How a person is to read the grids."""
    config = account.config
    data = account.starts[-1].get("data") if account.starts else None
    classes = data.get("classes") if isinstance(data, dict) else None
    if config is None or config.data.kind == "text":
        return ""
    if config.data.kind == "clips":
        return "Film strips: the frames of a clip are side by side. The same latents at every step."
    if config.task.given and config.task.build().truth is None:
        return "In pairs: what was given, and what was made of it."
    if config.task.given:
        return "In threes: what was given, what was made of it, and what it truly is."
    in_turn = config.conditional and config.data.clusters is None
    if in_turn and isinstance(classes, list) and 1 < len(classes) <= COLUMNS:
        named = short(", ".join(map(str, classes)))
        return f"The columns are the classes{' in turn' * (row_of_labels(len(classes)) > len(classes))}: {named}."
    return "The same latents at every step."


def of_colours(account: Account) -> dict[str, str]:
    """The classes of a segmentation, each with its colour as CSS has it; {} of other runs."""
    task = account.config.task if account.config else None
    if not isinstance(task, Segmentation):
        return {}
    return {f"class {i}": f"#{bytes(colour).hex()}" for i, colour in enumerate(palette(task.classes))}


UNDECIDED = {
    "minimax": (1.39, -0.69),
    "non_saturating": (1.39, 0.69),
    "smoothed": (1.39, 0.69),
    "least_squares": (0.25, 0.125),
    "hinge": (2.0, 0.0),
    "relativistic": (0.69, 0.69),
    "relativistic_average": (1.39, 1.39),
}
"""Both losses where logits tell nothing: where all are 0, but 1/2 of least squares."""


def of_losses(account: Account) -> str:
    """What the losses of a run say, and do not."""
    loss = account.config.loss if account.config else ""
    if loss == "wasserstein":
        return "Minus d/loss is a distance between real and made, up to a factor; g/loss has no scale of its own."
    if loss not in UNDECIDED:
        return ""
    judged, made = UNDECIDED[loss]
    least = "0.33, its least with real labels of 0.9," if loss == "smoothed" else "0"
    return (
        f"A discriminator that cannot tell real from made has d/loss {judged:g}, and g/loss is then {made:g}; "
        f"a d/loss near {least} says that it always wins, and the generator learns little."
    )
