"""Shakespeare, 32 characters at a time, by RelGAN's relational memory, in two runs (--data.path FILE.txt).

    gan-jax train shakespeare_relgan --data.path FILE.txt --loss none --run runs/likely
    gan-jax train shakespeare_relgan --data.path FILE.txt --from runs/likely --steps 500 --run runs/played
        --anneal.images None --anneal.learning-rate None
        --generator.learning-rate 5e-4 --discriminator.learning-rate 5e-4

For tinyshakespeare.txt (github karpathy/char-rnn, 1.1 MB, 65 characters). The first run, by likelihood alone, is some
twenty minutes of two CPU cores that much other work shared (2026-11-27, jax 0.12.0, seed 0). Jensen-Shannon divergence
in bits of 4-grams of 3,000 pieces to the last tenth of the text: 0.320 after 1,000 steps, 0.266 after 4,000; the
training text itself 0.231, models that count triples 0.328, fours 0.235; WGAN-GP's recipe, shakespeare, 0.519. The
second, likelihood and the game together, ends at 0.263; 500 more steps of likelihood alone at 0.264: the game gains
nothing here that could be told from chance. It writes such as

    CATESBY:
    Hold, he's you'r
    well within he would not proud p
    the poor bear--
    Mine you, we
"""

from gan_jax.config import (
    AdamConfig,
    AnnealConfig,
    AverageConfig,
    CadenceConfig,
    Config,
    DataConfig,
    EvaluateConfig,
    Likelihood,
    RelGAN,
)


def get_config() -> Config:
    """The generator of Nie et al. 2019 (openreview.net/forum?id=rJedV3R5tm), a discriminator a tenth as wide."""
    adam = AdamConfig(learning_rate=2e-3, beta1=0.9, beta2=0.999)
    return Config(
        steps=4000,
        batch_size=64,
        loss="relativistic",
        data=DataConfig(name="text", size=32, alphabet=65),
        task=Likelihood(),
        model=RelGAN(latent_size=32 * 65, discriminator_width=32, views=16),
        generator=adam,
        discriminator=adam,
        anneal=AnnealConfig(images=256_000, learning_rate=2e-4),
        average=AverageConfig(decay=0.99),
        every=CadenceConfig(log=50, sample=250, checkpoint=250),
        evaluate=EvaluateConfig(every=1000, samples=3000, best="js4"),
    )
