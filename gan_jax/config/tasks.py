"""The tasks, by the groups of settings that say what each is."""

from gan_jax.config.between import Restyled, RestyledOneWay, Unpaired, UnpairedOneWay
from gan_jax.config.classifying import FewLabels, Segmentation
from gan_jax.config.given import Colouring, FromEdges, Inpainting, Pairs, Reconstruction, SuperResolution
from gan_jax.config.likelihood import Likelihood
from gan_jax.config.task import NoTask

AnyTask = (
    NoTask
    | SuperResolution
    | Inpainting
    | Colouring
    | FromEdges
    | Pairs
    | Unpaired
    | Restyled
    | UnpairedOneWay
    | RestyledOneWay
    | Segmentation
    | Reconstruction
    | FewLabels
    | Likelihood
)
