"""The command line: finds the command, and turns errors into lines and exit codes."""

import difflib
import signal
import sys
from importlib import import_module

from gan_jax import __version__, screen
from gan_jax.errors import ConfigError, GanJaxError

USAGE = f"""gan-jax {__version__}: train GANs in JAX, and draw from them.

  gan-jax train RECIPE [--run FOLDER] [--KEY VALUE ...]   train; on an existing run folder, go on
  gan-jax train RUN_FOLDER                                go on with a run as it was begun
  gan-jax sample RUN_FOLDER [--out FILE]                  draw images from a trained generator
  gan-jax walk RUN_FOLDER [--out FILE.gif]                its latent space: ways through it, directions, styles mixed
  gan-jax project RUN_FOLDER PICTURES [--out FILE.png]    find pictures in its latent space
  gan-jax apply RUN_FOLDER PICTURES [--out FOLDER]        have a run with a task make something of your own pictures
  gan-jax encode RUN_FOLDER --out FILE.npz                latents of an autoencoder's data, to train on
  gan-jax evaluate RUN_FOLDER [--features KIND]           score it: FID, KID, precision and recall, ...
  gan-jax export RUN_FOLDER [--out FOLDER]                a folder to hand on: weights, a program, a model card
  gan-jax import FILE --out FOLDER                        such a folder, of weights that others published
  gan-jax report RUN_FOLDER ... [--out FILE.html]         a page that shows a run, or compares several
  gan-jax explore RUN_FOLDER                              a page that draws live: directions, projection, a brush
  gan-jax configs                                         the recipes that come with it
  gan-jax doctor                                          versions, devices, data, caches: for a bug report
  gan-jax completion                                      how to have options completed at TAB

gan-jax train --help, and so for sample, walk, project, apply, encode, evaluate, export, import, report and explore,
lists every option.
"""

COMMANDS = (
    *("train", "sample", "walk", "project", "apply", "encode", "evaluate"),
    *("export", "import", "report", "explore", "configs", "doctor", "completion"),
)
"""Each is a file in gan_jax/commands, which is imported when it is asked for."""


def main(argv: list[str] | None = None) -> int:
    """Runs a command; returns the exit code (0, 1 doctor, 2 config, 3 data, 4 diverged, 5 run folder, 128 + signal)."""
    screen.prepare()
    arguments = sys.argv[1:] if argv is None else argv
    if not arguments or arguments[0] in ("-h", "--help"):
        screen.tell(USAGE.rstrip())
        return 0 if arguments else 2
    if arguments[0] == "--version":
        screen.tell(__version__)
        return 0
    try:
        if arguments[0] not in COMMANDS:
            close = difflib.get_close_matches(arguments[0], COMMANDS, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise ConfigError(f"no command {arguments[0]!r}, there are {', '.join(COMMANDS)}{hint}")
        import_module(f"gan_jax.commands.{arguments[0]}").main(arguments[1:])
        sys.stdout.flush()
    except BrokenPipeError as error:
        screen.abandon(sys.stdout, error)
        return 128 + signal.SIGPIPE
    except KeyboardInterrupt:
        screen.tell("gan-jax: stopped", sys.stderr)
        return 130
    except GanJaxError as error:
        screen.tell(f"gan-jax: {error}", sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
