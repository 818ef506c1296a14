"""How every connection to the server is made, and what its errors mean."""

import asyncpg
from asyncpg import exceptions

CONNECT_SECONDS = 5
COMMAND_SECONDS = 60  # for a server that says nothing at all any more

# A process that was stopped in the middle of a transaction must not keep the others from taking over.
READING = {"idle_in_transaction_session_timeout": "10s", "default_transaction_read_only": "on"}
# What we acknowledge is on disk, however the server is set up.
WRITING = {"idle_in_transaction_session_timeout": "10s", "lock_timeout": "5s", "synchronous_commit": "on"}

_AWAY = (
    OSError,  # with TimeoutError, which a command that takes too long raises
    exceptions.InterfaceError,
    exceptions.InternalClientError,  # the server's last word has arrived, and the end of the connection not yet
    exceptions.PostgresConnectionError,
    exceptions.InsufficientResourcesError,
    exceptions.OperatorInterventionError,
    exceptions.PostgresSystemError,
    exceptions.InvalidAuthorizationSpecificationError,
    exceptions.InvalidCatalogNameError,
    exceptions.ReadOnlySQLTransactionError,
    exceptions.IdleInTransactionSessionTimeoutError,
    exceptions.LockNotAvailableError,
    exceptions.TransactionRollbackError,
    exceptions.DataCorruptedError,
    exceptions.IndexCorruptedError,
)


async def connect(url: str, **settings: str) -> asyncpg.Connection:
    """One connection. What the URL leaves out comes from PGPASSWORD and its like, or from a password file."""
    return await asyncpg.connect(
        url,
        timeout=CONNECT_SECONDS,
        command_timeout=COMMAND_SECONDS,
        server_settings={"application_name": "batchkeeper", "timezone": "UTC", **settings},
    )


def is_away(error: BaseException | None) -> bool:
    """Whether an error of asyncpg says that the server is away or busy, and not that one row is at fault."""
    return isinstance(error, _AWAY)
