"""How far images are from their own truth, in features: a perceptual distance, one number an image.

Pixels that are a little off may look the same, and blurred ones may be close in pixels and look wrong; so images of
which the truth is known are compared in features, too (Johnson et al. 2016, arXiv:1603.08155, section 3.2; Zhang et al.
2018, arXiv:1801.03924).
"""

import numpy as np
from jaxtyping import Float

from gan_jax.metrics.moments import FeatureArray, Moments, check_pair


def feature_distance(found: FeatureArray, truth: FeatureArray, real: Moments) -> Float[np.ndarray, " batch"]:
    """`|f - t| / sqrt(2 tr Σ)` of features f of each image and t of its truth, both `[B, D]`: 0 where they are equal.

    Johnson's is |f - t|² / D, in units of the network. Here the unit is the root mean square distance of two real
    images, drawn at random: the mean of their squared distance is 2 tr Σ, Σ the covariance of `real`. So 1 is about as
    far as any other real image, whatever the scale and the number of the features. Scores are the mean over images of
    this distance, not of its square: of real images in place of what is made it is below 1, as no mean is above the
    root of the mean square. Zhang's cosine was not taken, as it asks for features whose zero
    says that nothing was found, which standardised ones and pixels have not. Nor is each feature divided by its own
    deviation, where one that hardly varies would drown the others.

    Float64 `[B]`, 0 or more. Raises ValueError for features that are not finite or not of one shape, and for real ones
    that do not vary.
    """
    check_pair(truth, found)
    if len(found) != len(truth):
        raise ValueError(f"{len(found)} images and {len(truth)} truths: each is compared with its own")
    unit = np.sqrt(2 * np.trace(real.covariance))
    if not unit > 0:
        raise ValueError("all real images have the same features: there is no distance to measure by")
    apart = np.asarray(found, np.float64) - np.asarray(truth, np.float64)
    return np.linalg.norm(apart, axis=1) / unit
