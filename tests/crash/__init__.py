"""The crash runner: the real processes under load, killed again and again, and what is stored compared with what was promised.

`make crash`, or `make crash CRASH='--help'`. docs/crash.md tells what it does and what it does not show.
"""
