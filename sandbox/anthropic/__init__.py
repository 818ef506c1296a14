"""A stand-in for Anthropic's Message Batches under `/anthropic/v1`. There are no webhooks.

Written by what the published `anthropic` SDK says of the wire. Where that says nothing, a docstring says that it is our guess.
"""
