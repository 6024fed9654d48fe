"""What a run begins with in place of networks drawn at random."""

from dataclasses import dataclass

from gan_jax.config.ranges import Index


@dataclass(frozen=True)
class StartConfig:
    """The networks of another run to begin with, as far as they fit; optimizers and what rules remember are fresh."""

    run: str | None = None
    """Folder of a run whose generator, discriminator and average are taken over, in its newest checkpoint; --from for
    short. Read once, before the first checkpoint of the new run. Default: networks are drawn at random."""
    sha256: str | None = None
    """Of the networks there, so that a run that is begun anew begins with the same. The run adds it by itself."""
    freeze: Index = 0
    """How many of the discriminator's lower layers stay as they were taken over (FreezeD, Mo et al. 2020,
    arXiv:2002.10964)."""

    def wrong(self) -> list[str]:
        """What does not go together in here."""
        if self.run == "":
            return ["start.run: expected the folder of a run, got an empty text"]
        if self.run is not None:
            return []
        given = {
            "freeze: layers drawn at random would stay so": self.freeze,
            "sha256: is of a run's networks": self.sha256,
        }
        return [f"start.{what}; name the run with --from RUN" for what, is_given in given.items() if is_given]
