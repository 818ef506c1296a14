"""The store: its engine, its migrations, and the queries, one file for each noun. It knows `schemas` and nobody else."""
