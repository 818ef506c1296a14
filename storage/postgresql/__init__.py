"""The engine for many machines: a PostgreSQL server, by asyncpg."""
