"""How often Python looks for objects that hold only each other."""

import gc
from collections.abc import Generator
from contextlib import contextmanager

# Objects more than before, until the newest are looked at; every 20th such look goes on to those
# that outlived one, and every 20th of these to all. Python's own: 700, 10 and 10.
THRESHOLDS = (10_000, 20, 20)


@contextmanager
def looking_seldom() -> Generator[None]:
    """
    Look less often than Python does by itself, and not at all at what was made before.

    What nobody holds any more goes at once in any case: this is about rings of objects alone, of
    which a request leaves few. Looking as often as Python does took a fifth of the processor's
    time.
    """
    usual = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()
