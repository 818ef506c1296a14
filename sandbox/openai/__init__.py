"""A stand-in for OpenAI under `/openai/v1`: files, batches, webhook endpoints, and webhooks by Standard Webhooks.

Written by what the published `openai` SDK says of the wire. Where that says nothing, a docstring says that it is our guess.
"""
