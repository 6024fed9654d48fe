"""What a page asks for, done one after another in a thread of its own, so that the page is never blocked."""

import threading
import traceback
from collections.abc import Callable, Hashable

Work = Callable[[], None]


class Turns:
    """One thread for all pages: a device draws one thing at a time anyway.

    Of what is asked for one place while others have their turn, only the newest is done: a slider that moves faster
    than pictures are drawn is followed at their pace.
    """

    def __init__(self) -> None:
        self._waiting: dict[Hashable, Work] = {}  # in the order of their places
        self._changed = threading.Condition()
        threading.Thread(target=self._run, name="drawing", daemon=True).start()

    def ask(self, place: Hashable, work: Work) -> None:
        """Has the work done soon, in place of what was asked for there and has not begun.

        What it raises is a mistake of this program, and is shown in the terminal: other work goes on.
        """
        with self._changed:
            self._waiting[place] = work
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                work = self._waiting.pop(next(iter(self._waiting)))
            try:
                work()
            except Exception:
                traceback.print_exc()
