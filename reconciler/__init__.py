"""The daemon that finds out the truth: judge, apply, classify and pace decide and do nothing; the rounds fetch and write.

May import `schemas` and `storage`, never the receiver.
"""
