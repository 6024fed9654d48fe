"""How far two sides are from each other in what must be the same."""

import math
import sys
from pathlib import Path

import numpy as np

from peers.setups import PLAYERS


def disagreement(folder: Path) -> dict[str, float]:
    """‖ours - theirs‖ / ‖theirs‖ of logits, images, and of each player's gradient; and of its worst parameter.

    The worst is over those whose gradient is not itself rounding: a thousandth of the whole or more. Raises SystemExit
    if the differences are not rounding: the comparison is void if the peer is another network.
    """
    with np.load(folder / "both.npz") as file:
        both = dict(file)
    theirs = {name: array.astype(np.float64) for name, array in both.items() if not name.startswith("ours:")}
    ours = {name[5:]: array.astype(np.float64) for name, array in both.items() if name.startswith("ours:")}
    if ours.keys() != theirs.keys():
        sys.exit(f"not the same parameters: {sorted(ours.keys() ^ theirs.keys())}")
    norm = lambda arrays: math.sqrt(sum(float(np.square(array).sum()) for array in arrays))
    apart = lambda names: norm([ours[n] - theirs[n] for n in names]) / norm([theirs[n] for n in names])
    found = {name: apart([name]) for name in ("logits", "images")}
    for player in PLAYERS:
        names = [name for name in theirs if name.startswith(f"{player}.")]
        whole = norm([theirs[n] for n in names])
        found[f"gradient of {player}"] = apart(names)
        found["its worst parameter" if player == "generator" else "worst parameter of discriminator"] = max(
            apart([n]) for n in names if norm([theirs[n]]) > 1e-3 * whole
        )
    # Rectifiers: where a map is within rounding of zero the two sides may take different slopes.
    if any(not value < (1e-2 if "gradient" in name or "parameter" in name else 1e-4) for name, value in found.items()):
        sys.exit(f"not the same network: {found}")
    return found
