"""The edge where the clock is read. Everything further in takes `now` as an argument."""

import time


def now() -> int:
    """Microseconds since 1970, UTC."""
    return time.time_ns() // 1000
