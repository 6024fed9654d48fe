"""MNIST classified by 100 labels: the discriminator is the classifier, and the game teaches it what digits are."""

from gan_jax.config import (
    FMGAN,
    AdamConfig,
    AnnealConfig,
    CadenceConfig,
    Config,
    DataConfig,
    EvaluateConfig,
    TaskConfig,
)


def get_config() -> Config:
    """Narrower than in Salimans et al. 2016, far fewer steps, and a rate that falls in place of averaged weights."""
    adam = AdamConfig(learning_rate=1e-3, beta1=0.5, beta2=0.999)
    return Config(
        steps=9000,
        batch_size=64,
        data=DataConfig(name="mnist"),
        task=TaskConfig("few_labels", labels=100, test=0.0),
        model=FMGAN(generator_width=200, discriminator_width=400),
        generator=adam,
        discriminator=adam,
        anneal=AnnealConfig(images=576_000, learning_rate=1e-5),
        every=CadenceConfig(log=50, sample=1500, checkpoint=1500),
        evaluate=EvaluateConfig(every=1500, samples=1000, features="pixels", best="error"),
    )
