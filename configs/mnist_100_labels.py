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
    """Salimans et al. 2016, in far fewer steps, and with a rate that falls in place of averaged weights."""
    adam = AdamConfig(learning_rate=3e-3, beta1=0.5, beta2=0.999)
    return Config(
        steps=3000,
        batch_size=100,
        data=DataConfig(name="mnist"),
        task=TaskConfig("few_labels", labels=100, test=0.0),
        model=FMGAN(),
        generator=adam,
        discriminator=adam,
        anneal=AnnealConfig(images=300_000, learning_rate=3e-5),
        every=CadenceConfig(log=50, sample=500, checkpoint=1000),
        evaluate=EvaluateConfig(every=1000, samples=5000, best="error"),
    )
