"""GAT-B/2 on ImageNet at 256 pixels, in an autoencoder's latents (Hyun et al. 2026, arXiv:2509.24935): many devices.

Data are latents of Stable Diffusion's autoencoder, [32, 32, 4], which you make of its file (ft-mse) and of your copy of
ImageNet, a folder for each class:

    gan-jax import diffusion_pytorch_model.safetensors --out sd
    gan-jax encode sd ILSVRC/train --out imagenet/images.npy
    gan-jax train imagenet256_gat --data.path imagenet/images.npy

Samples are decoded, and scored as pictures, if one asks for it. The published FID is 2.18, of XL/2 after 60 epochs,
with Inception features. Ours has not been run, nor has the file been tried: random weights were, beside PyTorch.

Different from the authors' code: each channel of the latents, which are the encoder's means, is brought to a mean of 0
and a deviation of 1, where they multiply all by 0.18215; and D has no teacher, unless what DINOv2-B says of the
pictures lies beside the latents (--data.features 257x768, docs/howto/data.md). As there, the differences of R1 and R2
are of bfloat16: on a fresh D of four small blocks they were some three times too large, by rounding (CPU, 2026-11-26);
--model.precision float32 is slower and exact.
"""

from gan_jax.config import (
    GAT,
    AdamConfig,
    AugmentConfig,
    CadenceConfig,
    Config,
    DataConfig,
    PenaltyConfig,
)


def get_config() -> Config:
    """60 epochs in batches of 512, over all devices together. Other sizes: --help has them beside --model."""
    adam = AdamConfig(learning_rate=2e-4, beta1=0.0, beta2=0.99, clip=1.0, base_width=768)
    return Config(
        steps=150_000,
        batch_size=512,
        conditional=True,
        loss="relativistic",
        data=DataConfig(name="pictures", size=32, channels=4, deviation=1.0),
        model=GAT(generator_width=768, discriminator_width=768, heads=12, precision="bfloat16", recompute=True),
        generator=adam,
        discriminator=adam,
        penalty=PenaltyConfig(r1=0.1, r2=0.1, by_difference=True),
        augment=AugmentConfig("levels_diff_augment"),
        every=CadenceConfig(log=50, sample=1000, checkpoint=2500),
    )
