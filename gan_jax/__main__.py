"""The command `gan-jax`, and `python -m gan_jax`."""

import sys

from gan_jax.run import large_pages, signals


def main() -> int:
    """Runs the command line; a signal ends even its imports in one line."""
    with signals.leaving():
        large_pages.ask(sys.argv, sys.orig_argv)
        from gan_jax import cli

        return cli.main()


if __name__ == "__main__":
    sys.exit(main())
