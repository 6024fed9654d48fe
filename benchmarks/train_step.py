"""Images per second of one train step of the article's pair and of DCGAN, gan_jax beside the peers, in one run.

    python benchmarks/train_step.py                 # needs pip install -e '.[benchmark]'

Both networks are updated, with the non-saturating loss and latents of 100, by Adam(1e-4) with Keras's defaults for the
article's pair, beside the article's program in Keras, and by Adam(2e-4, beta1 0.5) for DCGAN, beside the same in
PyTorch, eager and compiled. All but Keras also average the generator. How it is measured, on a CPU and on a GPU, and
what the columns mean, `models.py` says: DCGAN's weights, logits, images and gradients must agree, too; of the article's
pair the numbers of parameters, since Keras draws its own weights.

Run it on an idle machine: OpenMP threads, which PyTorch uses, spin while they wait, and lose several times their speed
when another program wants the cores.
"""

from comparison import compare, options_of

if __name__ == "__main__":
    compare(options_of(("article", "dcgan"), (__doc__ or "").splitlines()[0], rounds=5, seconds=8))
