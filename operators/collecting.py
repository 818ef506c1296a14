"""The garbage collector of a process that answers."""

import gc


def pass_over_the_start() -> None:
    """What start-up made stays until the end, and the collector passes over it from now on. To walk through all of it takes a
    tenth of a second every few hundred requests, and one of them would wait for it."""
    gc.collect()
    gc.freeze()
