"""Evaluations as rows, rankings and tables, in which no two protocols share a column."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gan_jax.metrics.scores import LOWER_IS_BETTER
from gan_jax.run.logs import read_rows


class Evaluation(NamedTuple):
    """Scores, and all that they depend on besides the weights."""

    step: int
    scores: dict[str, float]  # those of features other than Inception's say so in their names
    protocol: dict[str, Any]


def name_of(features: str, score: str) -> str:
    """A score by its full name: only in Inception's features is it the FID that papers quote."""
    plain = features in ("inception", "ngrams", "masks") or score in _OF_NO_FEATURES
    return score if plain else f"{features}_{score}"


_OF_NO_FEATURES = {
    *("classes", "class_kl", "label_accuracy", "error"),
    *("speed_w1", "direction_w1", "turn_w1", "same_class"),
}


def lower_is_better(name: str) -> bool:
    """Whether a score, by its full name, falls as samples improve."""
    return any(name == low or name.endswith(f"_{low}") for low in LOWER_IS_BETTER)


def better(name: str, new: float, old: float | None) -> bool:
    """Whether a score beats another; what is not finite never does."""
    if not np.isfinite(new):
        return False
    return old is None or (new < old if lower_is_better(name) else new > old)


def as_row(evaluation: Evaluation) -> dict[str, Any]:
    """The row of metrics.jsonl."""
    return {"step": evaluation.step, "scores": evaluation.scores, "protocol": evaluation.protocol}


def read_all(metrics: Path) -> list[Evaluation]:
    """The evaluations in a metrics.jsonl, in its order; rows of another kind are passed over."""
    rows = [
        row for row in read_rows(metrics) if isinstance(row.get("protocol"), dict) and _are_scores(row.get("scores"))
    ]
    return [Evaluation(row["step"], row["scores"], row["protocol"]) for row in rows]


def _are_scores(found: Any) -> bool:
    return isinstance(found, dict) and all(isinstance(value, int | float) for value in found.values())


SHOWN = 8
"""Steps side by side in a table."""


def curve(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """Those of the protocol with the most steps, two or more, the newest of several, in the order of steps; or none."""
    groups = [group for group in by_protocol(evaluations) if len(group) > 1]
    return max(reversed(groups), key=len) if groups else []


def table(evaluations: Sequence[Evaluation]) -> list[str]:
    """Lines for people: a table for each protocol, a row a score, a column a step (the last eight)."""
    lines: list[str] = []
    for group in by_protocol(evaluations):
        columns = group[-SHOWN:]
        names = [name for name in columns[-1].scores if not name.endswith("_std")]
        cells = [["step", *(str(e.step) for e in columns)]]
        cells += [[heading(name), *(cell(e.scores, name) for e in columns)] for name in names]
        widths = [max(len(row[i]) for row in cells) for i in range(len(columns) + 1)]
        lines += [*protocol_lines(group[0].protocol), ""]
        for first, *rest in cells:
            padded = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
            lines.append("  ".join([first.ljust(widths[0]), *padded]))
        lines.append("")
    return lines[:-1]


def by_protocol(evaluations: Sequence[Evaluation]) -> list[list[Evaluation]]:
    """One list a protocol, in the order in which they first occur; the last evaluation of a step counts."""
    groups: dict[str, dict[int, Evaluation]] = {}
    for evaluation in evaluations:
        groups.setdefault(json.dumps(evaluation.protocol, sort_keys=True), {})[evaluation.step] = evaluation
    return [[group[step] for step in sorted(group)] for group in groups.values()]


def heading(name: str) -> str:
    """A score by its name for people, with an arrow to where better is."""
    words = {"fid": "FID", "kid": "KID", "inception_score": "IS", "intra_fid": "intra-FID", "class_kl": "class KL"}
    words |= {"psnr": "PSNR", "ssim": "SSIM", "l1": "L1", "miou": "mIoU"}
    words |= {"speed_w1": "speed W1", "direction_w1": "direction W1", "turn_w1": "turn W1"}
    prefixes, rest = [], name
    while rest.startswith(("baseline_", "real_", "shuffled_", "still_", "classifier_", "pixels_")):
        prefix, _, rest = rest.partition("_")
        prefixes.append(prefix)
    return " ".join([*prefixes, words.get(rest, rest.replace("_", " ")), "↓" if lower_is_better(name) else "↑"])


def cell(found: dict[str, float], name: str) -> str:
    """A score as tables show it, with what it varies by where that is known."""
    if name not in found:
        return "-"
    value = f"{found[name]:.4g}"
    return f"{value} ±{found[name + '_std']:.2g}" if name + "_std" in found else value


FEW = 1000
"""Fewer images, on either side, than this say little: with few of them, every ball is large."""


def protocol_lines(protocol: dict[str, Any]) -> list[str]:
    """A protocol for people; of another version, or another hand, as it is."""
    try:
        sha256 = f" (sha256 {protocol['features_sha256'][:8]})" if protocol["features_sha256"] else ""
        things = protocol.get("things", "images")
        by_neighbours = things == "images" and protocol["features"] != "masks"
        scarce = by_neighbours and min(protocol["samples"], protocol["compared"]) < FEW
        few = f" (fewer than {FEW:,} images: precision, recall, density and coverage flatter)" if scarce else ""
        return [
            f"{protocol['samples']:,} samples (seed {protocol['seed']}, {protocol['weights']} weights) against "
            f"{protocol['reference']}",
            f"features: {protocol['about']}{sha256}; one by one: {protocol['compared']:,} real {things}{few}",
            f"{protocol['conventions']}; " + ", ".join(f"{k} {v}" for k, v in protocol["versions"].items()),
        ]
    except (KeyError, TypeError, ValueError, AttributeError):
        return [json.dumps(protocol)]
