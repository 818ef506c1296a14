"""The demo: the user's own commands as processes, jobs at every provider under faults, and the sandbox's word against ours."""
