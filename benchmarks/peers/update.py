"""The update of `gan_jax.make_step` in PyTorch: the discriminator's, the generator's, and the generator's average."""

import copy
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import relu, softplus


class Rules(NamedTuple):
    """The game: the losses' name, Adam's settings, and the penalties' weights."""

    loss: str
    learning_rate: float
    beta1: float
    beta2: float
    epsilon: float = 1e-8
    r1: float = 0.0
    r2: float = 0.0
    every: int = 1  # penalties see one in so many images
    clip: float = 0.0  # the largest norm of a gradient, if there is one


Loss = Callable[[Tensor, Tensor], Tensor]
LOSSES: dict[str, tuple[Loss, Loss]] = {
    "relativistic": (
        lambda real, fake: softplus(fake - real).mean(),
        lambda real, fake: softplus(real - fake).mean(),
    ),
    "hinge": (
        lambda real, fake: relu(1 - real).mean() + relu(1 + fake).mean(),
        lambda real, fake: -fake.mean(),
    ),
    "non_saturating": (
        lambda real, fake: softplus(-real).mean() + softplus(fake).mean(),
        lambda real, fake: softplus(-fake).mean(),
    ),
}
"""Of real and fake logits, what the discriminator minimises, and what the generator does."""


def discriminator_loss(rules: Rules, discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """The loss and its penalties; one pass over real and one over fake images serves both where it can."""
    judge = lambda images, weight: _judge(discriminator, images, weight if rules.every == 1 else 0.0)
    real_logits, on_real = judge(real, rules.r1)
    fake_logits, on_fake = judge(fake, rules.r2)
    value = LOSSES[rules.loss][0](real_logits, fake_logits) + on_real + on_fake
    if rules.every > 1:
        for weight, images in ((rules.r1, real), (rules.r2, fake)):
            value = value + _judge(discriminator, images[:: rules.every], weight)[1]
    return value


def generator_loss(rules: Rules, discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """The loss of generated images; real ones are judged only where it asks what."""
    fake_logits = discriminator(fake)
    if rules.loss != "relativistic":
        return LOSSES[rules.loss][1](fake_logits, fake_logits)
    with torch.no_grad():
        real_logits = discriminator(real)
    return LOSSES[rules.loss][1](real_logits, fake_logits)


class Objectives(NamedTuple):
    """What each player minimises, of (rules, discriminator, real, fake); fake is what the generator makes."""

    discriminator: Callable[..., Tensor]
    generator: Callable[..., Tensor]


OBJECTIVES = Objectives(discriminator_loss, generator_loss)


def make_step(
    rules: Rules,
    objectives: Objectives,
    generator: nn.Module,
    discriminator: nn.Module,
    latent: int,
    compiled: bool,
) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """The step on uint8 images `[B, H, W, C]`: the discriminator's loss and the generator's."""
    average = copy.deepcopy(generator).requires_grad_(False)
    betas = (rules.beta1, rules.beta2)
    adam = lambda network: torch.optim.Adam(network.parameters(), rules.learning_rate, betas, rules.epsilon, fused=True)
    g_adam, d_adam = adam(generator), adam(discriminator)
    pairs = (list(average.parameters()), list(generator.parameters()))
    through = torch.compile if compiled else lambda function: function
    draw = through(lambda latents: generator(latents))
    judge_d = through(lambda real, fake: objectives.discriminator(rules, discriminator, real, fake))
    judge_g = through(lambda latents, real: objectives.generator(rules, discriminator, real, generator(latents)))

    def step(images: Tensor) -> tuple[Tensor, Tensor]:
        real = images.permute(0, 3, 1, 2).float() / 127.5 - 1
        with torch.no_grad():
            fake = draw(torch.randn(len(real), latent, device=real.device))
        d_loss = judge_d(real, fake)
        _descend(d_loss, discriminator, d_adam, rules.clip)
        discriminator.requires_grad_(False)
        g_loss = judge_g(torch.randn(len(real), latent, device=real.device), real)
        _descend(g_loss, generator, g_adam, rules.clip)
        discriminator.requires_grad_(True)
        torch._foreach_lerp_(*pairs, 0.001)
        return d_loss.detach(), g_loss.detach()

    return step


def _descend(loss: Tensor, network: nn.Module, optimizer: torch.optim.Optimizer, clip: float) -> None:
    optimizer.zero_grad()
    loss.backward()
    if clip:
        nn.utils.clip_grad_norm_(network.parameters(), clip)
    optimizer.step()


def _judge(discriminator: nn.Module, images: Tensor, weight: float) -> tuple[Tensor, Tensor | float]:
    """Logits, and weight / 2 · E‖∇D‖² of the same pass."""
    if not weight:
        return discriminator(images), 0.0

    def total(images: Tensor) -> tuple[Tensor, Tensor]:
        logits = discriminator(images)
        return logits.sum(), logits

    slope, logits = torch.func.grad(total, has_aux=True)(images)
    return logits, weight / 2 * slope.square().sum((1, 2, 3)).mean()
