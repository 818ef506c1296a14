"""The deployed webhook endpoint: it verifies, records and answers. It knows no job state and calls nobody.

May import `schemas` and `storage`.
"""
