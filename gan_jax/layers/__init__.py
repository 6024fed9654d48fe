"""Building blocks of networks, each usable alone."""
