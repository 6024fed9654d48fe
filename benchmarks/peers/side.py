"""The PyTorch side of a comparison: networks with gan_jax's weights, their agreement, and their step."""

import importlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from peers import levels
from peers.setups import CHECKED, PLAYERS, PRECISIONS, Case, Running
from peers.update import OBJECTIVES, Objectives, Rules, make_step

Arrays = Mapping[str, np.ndarray]


def device() -> torch.device:
    """The GPU, if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def check(case: Case, folder: Path) -> dict[str, int]:
    """Leaves PyTorch's answers beside gan_jax's, in layouts of its own, in the folder; counts parameters."""
    with np.load(folder / "weights.npz") as file:
        arrays = dict(file)
    networks = build(case._replace(precision="float32"), arrays)
    found = _answers(case, networks, arrays)
    with np.load(folder / "gan_jax.npz") as ours:
        found |= {f"ours:{torch_name(name)}": array for name, array in ours.items()}
    found = {name.replace("/", "."): array for name, array in found.items()}
    gradients = tuple(f"ours:{player}." for player in PLAYERS)
    turned = {
        name: to_torch(array, found[name[5:]].shape)
        for name, array in found.items()
        if name.startswith(gradients) and name[5:] in found
    }
    np.savez(folder / "both.npz", **(found | turned))
    return {player: sum(p.numel() for p in network.parameters()) for player, network in networks.items()}


def begin(case: Case, folder: Path, compiled: bool) -> Running:
    """The step, from gan_jax's weights."""
    with np.load(folder / "weights.npz") as file:
        networks = build(case, dict(file))
    torch.backends.cudnn.benchmark = True
    step = make_step(_rules(case, case.batch), _objectives(case), *networks.values(), case.latent, compiled)
    on_gpu = torch.cuda.is_available()
    losses: tuple[torch.Tensor, ...] = ()

    def hand_over(images: np.ndarray) -> None:
        nonlocal losses
        losses = step(torch.from_numpy(images).to(device()))

    def wait() -> None:
        if on_gpu:
            torch.cuda.synchronize()
        for loss in losses:
            loss.item()

    if not on_gpu:
        return Running(hand_over, wait, "CPU")
    return Running(hand_over, wait, torch.cuda.get_device_name(), torch.cuda.max_memory_allocated)


def build(case: Case, arrays: Arrays) -> dict[str, nn.Module]:
    """Both networks on the device, with these weights. Images and maps are laid out channels last."""
    pair = importlib.import_module(f"peers.{case.module}").build(case)
    networks = dict(zip(PLAYERS, pair, strict=True))
    for player, module in networks.items():
        _load(module, {name.split("/", 1)[1]: array for name, array in arrays.items() if name.startswith(f"{player}/")})
        module.to(device(), memory_format=torch.channels_last)
        for part in module.modules():
            part.layout = torch.channels_last
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = PRECISIONS[case.precision].tf32
    return networks


def _rules(case: Case, batch: int) -> Rules:
    setup = case.setup
    betas, weights = (setup.beta1, setup.beta2), (setup.r1, setup.r2)
    return Rules(setup.loss, setup.learning_rate, *betas, setup.epsilon, *weights, case.every(batch), setup.clip)


def _objectives(case: Case) -> Objectives:
    return levels.OBJECTIVES if case.setup.levels else OBJECTIVES


def _answers(case: Case, networks: dict[str, nn.Module], arrays: Arrays) -> dict[str, np.ndarray]:
    """What must agree on the weights' own batch: logits, images, and both gradients, in PyTorch's layouts.

    A game that draws at random is handed what gan_jax drew, in the order in which it asks.
    """
    put = lambda array: torch.from_numpy(array).to(device())
    shown = lambda array: put(array).permute(0, 3, 1, 2) if array.ndim == 4 else [shown(level) for level in array]
    handed = iter([shown(array) for name, array in arrays.items() if name.startswith("drawn/")])
    drawn = [lambda like: next(handed)] if case.setup.levels else []
    rules, objectives = _rules(case, CHECKED), _objectives(case)
    generator, discriminator = networks["generator"], networks["discriminator"]
    real, fake = shown(arrays["real"]), shown(arrays["fake"])
    found = {"logits": discriminator(real)}
    objectives.discriminator(rules, discriminator, real, fake, *drawn).backward()
    found |= _gradients("discriminator", discriminator)
    discriminator.requires_grad_(False)
    noise = [shown(arrays[name]) for name in arrays if name.startswith("noise/")]
    images = generator(put(arrays["latents"]), *([noise] if noise else []))
    objectives.generator(rules, discriminator, real, images, *drawn).backward()
    every = torch.cat(images) if case.setup.levels else images
    found |= {"images": every.permute(0, 2, 3, 1)} | _gradients("generator", generator)
    return {name: tensor.detach().cpu().numpy() for name, tensor in found.items()}


def _load(module: nn.Module, arrays: Arrays) -> None:
    """Fills every parameter; singular vectors begin at the kernel's own."""
    waiting = dict(arrays)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            array = to_torch(waiting.pop(flax_name(name, waiting)), tuple(parameter.shape))
            parameter.copy_(torch.from_numpy(array))
        for part in module.modules():
            if isinstance(getattr(part, "_u", None), torch.Tensor):
                part._v.copy_(_first_right_vector(module, part))
    if waiting:
        raise ValueError(f"the peer has no {', '.join(waiting)}")


def _first_right_vector(module: nn.Module, part: Any) -> torch.Tensor:
    (kernel,) = [p for name, p in module.named_parameters() if name.endswith("original") and _owns(module, part, name)]
    left, _, right = torch.linalg.svd(kernel.reshape(len(kernel), -1), full_matrices=False)
    part._u.copy_(left[:, 0])
    return right[0]


def _owns(module: nn.Module, part: Any, name: str) -> bool:
    return module.get_submodule(name.rsplit(".", 1)[0])[0] is part


def _gradients(player: str, module: nn.Module) -> dict[str, torch.Tensor]:
    return {f"{player}/{_plain(name)}": p.grad for name, p in module.named_parameters() if p.grad is not None}


def _plain(name: str) -> str:
    return name.replace("parametrizations.weight.original", "weight")


def flax_name(name: str, names: Any) -> str:
    """Of gan_jax's names that which a PyTorch parameter's stands for. Raises ValueError if it is not there."""
    by_torch = {torch_name(known): known for known in names}
    if _plain(name) not in by_torch:
        raise ValueError(f"gan_jax's network has no parameter {name}; it has {', '.join(by_torch)}")
    return by_torch[_plain(name)]


def torch_name(name: str) -> str:
    """`block_0/norm_1/norm/scale` is `block_0.norm_1.weight`, and kernels are weights."""
    name = re.sub(r"(norm\w*)/norm/", r"\1/", name)
    return re.sub(r"/(kernel|scale)$", "/weight", name).replace("/", ".")


def to_torch(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Inputs and outputs change places, and channels go first."""
    turned = {4: (3, 2, 0, 1), 3: (2, 0, 1), 2: (1, 0)}.get(array.ndim, range(array.ndim))
    return array.transpose(turned).reshape(shape)
