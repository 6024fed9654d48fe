"""`python -m gan_jax`, the same as `gan-jax`."""

import sys

from gan_jax.cli import main

sys.exit(main())
