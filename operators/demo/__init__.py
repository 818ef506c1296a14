"""The demo: the user's own commands as processes, a dozen batches under faults, and the sandbox's word against ours."""
