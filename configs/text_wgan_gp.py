"""A text of one's own, 32 characters at a time, with WGAN-GP's own settings (--data.path FILE.txt); for a GPU.

Those of Gulrajani et al. 2017 (arXiv:1704.00028, appendix) and their code: width 512, five blocks, ten updates of the
critic, Adam at 1e-4 with betas of 0.5 and 0.9, 200,000 steps. Different are the text, theirs is the Billion Word
corpus, cut into lines that are filled up to 32 characters; pieces, here every run of 32 characters, line ends too; 96
characters told apart, theirs up to 2,048; and an average of the generator's weights, which they did not take. Not
trained.
"""

from gan_jax.config import AdamConfig, CadenceConfig, Config, DataConfig, EvaluateConfig, PenaltyConfig, WGANText


def get_config() -> Config:
    """The paper's."""
    adam = AdamConfig(learning_rate=1e-4, beta1=0.5, beta2=0.9)
    return Config(
        steps=200_000,
        batch_size=64,
        loss="wasserstein",
        discriminator_steps=10,
        data=DataConfig(name="text", size=32),
        model=WGANText(),
        generator=adam,
        discriminator=adam,
        penalty=PenaltyConfig(wgan_gp=10.0),
        every=CadenceConfig(log=100, sample=2000, checkpoint=2000),
        evaluate=EvaluateConfig(every=5000, samples=10_000, best="js4"),
    )
