"""What it means that the database is away, said in words: one place that knows the error codes."""

import asyncpg

from wabot.errors import Away


class Refused(Away):
    """The database answers, and will not let us in: waiting does not mend that by itself."""


class NotMigrated(Away):
    """The database lacks the core's newest tables."""


# The session or the server is gone, going or full; not what a statement of a plugin's can bring about by itself.
GONE = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.DatabaseDroppedError,
    asyncpg.IdleSessionTimeoutError,
    asyncpg.InternalClientError,  # asyncpg lost track of a connection: of one that broke in the middle, as seen
)
REFUSED: dict[type[Exception], str] = {
    asyncpg.InvalidAuthorizationSpecificationError: (
        "O PostgreSQL recusou o usuário ou a senha; confira DATABASE_URL."
    ),
    asyncpg.InvalidCatalogNameError: (
        "O banco de dados não existe no servidor; crie-o (createdb) ou corrija o nome em DATABASE_URL."
    ),
}
READ_ONLY = "O PostgreSQL está somente para leitura; espera-se o servidor principal (confira DATABASE_URL)."
UNABLE: dict[type[Exception], str] = {
    asyncpg.ReadOnlySQLTransactionError: READ_ONLY,
    asyncpg.TooManyConnectionsError: (
        "O PostgreSQL não tem conexões livres; aumente max_connections ou rode menos processos."
    ),
    asyncpg.DiskFullError: "O disco do PostgreSQL está cheio; libere espaço.",
}
SILENT = "O PostgreSQL não responde; confira se o servidor está no ar e o endereço em DATABASE_URL."


def is_away(error: BaseException | None) -> bool:
    """Whether that is what an error says, be it ours or asyncpg's. A plugin's own OSError does not say it."""
    if isinstance(error, asyncpg.InterfaceError):  # also what asyncpg raises when it is called wrongly
        return "closed" in str(error) or "closing" in str(error)
    return isinstance(error, (Away, *GONE, *REFUSED, *UNABLE))


def away(error: BaseException | None) -> Away:
    """The same in words."""
    if isinstance(error, Away):
        return error
    for kind, sentence in REFUSED.items():
        if isinstance(error, kind):
            return Refused(sentence)
    return Away(next((sentence for kind, sentence in UNABLE.items() if isinstance(error, kind)), SILENT))
