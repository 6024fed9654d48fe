"""Images per second of one train step of GAT, R3GAN, SNGAN, StyleGAN2, gan_jax beside the same in PyTorch, in one run.

    python benchmarks/models.py gat gat-b2 r3gan sngan stylegan2    # needs pip install -e '.[benchmark]'

The networks are those for CIFAR-10, unconditional, at the papers' widths on a GPU and at an eighth of them on a CPU. A
step is one update of the discriminator and one of the generator on the same real images, by Adam, and the generator's
moving average: R3GAN with the relativistic loss, R1 and R2; SNGAN with the hinge loss, one update of D for one of G
(the paper makes five); StyleGAN2 with the non-saturating loss and R1 on a part of the batch, a sixteenth where the
batch allows it, in every step (`penalties.lazy`). No augmentation.

GAT is `gat`, of size S/4, or `gat-b2`, unconditional, of latents [32, 32, 4], with the relativistic loss, noise of the
levels, the same for real and generated images, R1 and R2 by differences, and gradients clipped to a norm of 1. At a
part of the width it has four blocks, since torch.compile takes them one by one. Batches on a GPU are what should fit
into 80 GB; published are 512 on many devices. Attention is XLA's own, as in the recipe, beside
`scaled_dot_product_attention`.

The peers (`benchmarks/peers`) are written for this comparison from the papers, in PyTorch's own operators: channels
last, fused Adam, cuDNN's search for algorithms.

Before anything is timed, both sides are given the same weights and one batch, and must have the same number of
parameters, and logits, images and gradients of both players' whole losses, penalties included, that agree in float32.
For that GAT's peer is handed the noise and the directions of differences that gan_jax draws; timed, each side draws its
own. Then each side runs in a process of its own, in turn (A B C A B C ...), so that the machine's moods meet all. All
sides compute on a GPU if every one of them finds one, else all on the CPU. A side is handed a fresh NumPy batch each
step. On a CPU a step counts as done once its losses are known; to a GPU up to ten are handed over, half a second's at
most, before the clock waits until all of them are done and the last losses known, as a train loop does.

"compiled" is torch.compile in its default mode over each player's whole loss, networks and penalties. Slopes for R1 and
R2 are taken by torch.func.grad, in the eager side too: torch.compile traces it into the one graph that is then
differentiated, whereas it cannot differentiate what autograd.grad leaves behind (no double backward). Eager is no
faster with autograd.grad (R3GAN and StyleGAN2 on a CPU, 2026-11-24). If a compiled peer fails, the table says so. The
first compilation takes minutes; PyTorch keeps it for the next process.

Where a machine is lent by the minute, `--only times --together SECONDS` starts all sides of all networks at once, gives
them so long to get ready, and then measures those that are, one at a time, while the others wait: `--batch 64`, that
all fit into one GPU's memory.

float32 is float32 throughout; tf32 lets a GPU round what it multiplies to TF32, on both sides, and on a CPU it is
float32, too. bfloat16 is that of maps from 8x8 pixels up (SNGAN and DCGAN: of all; GAT: of tokens), with float32
parameters, and TF32 elsewhere. Memory is the largest resident size of the process on a CPU, start and compilation
included, and the most that arrays took at once on a GPU. FLOPs are those of gan_jax's step as it is written
(`gan_jax.flops`). Utilisation is those FLOPs over the time, and over the rate of a large matrix product in JAX, in the
same precision and process.

Run it on an idle machine: OpenMP threads, which PyTorch uses, spin while they wait, and lose several times their speed
when another program wants the cores.
"""

from comparison import compare, options_of

if __name__ == "__main__":
    networks = ("gat", "gat-b2", "r3gan", "sngan", "stylegan2")
    compare(options_of(networks, (__doc__ or "").splitlines()[0], rounds=5, seconds=20))
