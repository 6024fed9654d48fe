"""What can go wrong that a person can mend; each kind has the exit code that the command line leaves with."""


class GanJaxError(Exception):
    """A message that names what is wrong, what was expected, and how to mend it."""

    exit_code = 1


class ConfigError(GanJaxError):
    """A value in the config or on the command line that cannot work."""

    exit_code = 2


class DataError(GanJaxError):
    """A dataset that is missing, damaged, or not of the expected kind."""

    exit_code = 3


class DivergedError(GanJaxError):
    """A loss or a gradient that is not finite."""

    exit_code = 4


class RunError(GanJaxError):
    """A run folder that is in use, cannot be written, or holds no good checkpoint."""

    exit_code = 5


class Stopped(GanJaxError):  # noqa: N818 - nothing went wrong
    """The run was asked to stop by a signal, and has saved its state."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


def printable(name: object) -> str:
    """A name as messages show it: bytes of a path that are no UTF-8 stand as such, so that two names stay two."""
    return str(name).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
