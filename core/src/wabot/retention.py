"""How long each kind of data is kept, chatbot by chatbot: a business says so, in days."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from wabot import audit
from wabot.db.engine import DB

LONGEST = 36500
REPEATED = 8
"""Days. Meta repeats a delivery for up to 7: what is forgotten earlier would count as new."""

Long = Annotated[int, Meta(ge=REPEATED, le=LONGEST, description="Em dias.")]
Any_ = Annotated[int, Meta(ge=1, le=LONGEST, description="Em dias.")]

READ = "SELECT mensagens, arquivos, eventos, avisos FROM retencao WHERE chatbot = $1"
WRITE = """
INSERT INTO retencao (chatbot, mensagens, arquivos, eventos, avisos) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (chatbot) DO UPDATE SET mensagens = excluded.mensagens, arquivos = excluded.arquivos,
    eventos = excluded.eventos, avisos = excluded.avisos
"""


class Retention(msgspec.Struct, frozen=True):
    """Days after which data goes; None: never. What only served to run the machine goes by itself."""

    mensagens: Annotated[
        Long | None, Meta(description="Mensagens recebidas e enviadas. Nulo: para sempre.")
    ] = None
    arquivos: Annotated[
        Any_ | None, Meta(description="Arquivos que os clientes mandaram. Nulo: para sempre.")
    ] = None
    eventos: Annotated[
        Any_ | None, Meta(description="Acontecimentos que os plugins já leram. Nulo: para sempre.")
    ] = None
    avisos: Annotated[
        Long | None, Meta(description="Recibos, avisos e quarentena da Meta. Nulo: para sempre.")
    ] = 90


class RetentionChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Only what is given changes; null keeps that kind for good."""

    mensagens: Long | UnsetType | None = UNSET
    arquivos: Any_ | UnsetType | None = UNSET
    eventos: Any_ | UnsetType | None = UNSET
    avisos: Long | UnsetType | None = UNSET


async def of(chatbot: int) -> Retention:
    row = await DB.fetchrow(READ, chatbot)
    return Retention(**row) if row else Retention()


async def change(chatbot: int, change: RetentionChange) -> Retention:
    """Write what is given down; the next cleaning goes by it."""
    given = {name: days for name, days in msgspec.structs.asdict(change).items() if days is not UNSET}
    async with DB.transaction():
        await DB.execute("SELECT FROM chatbot WHERE id = $1 FOR NO KEY UPDATE", chatbot)
        after = msgspec.structs.replace(await of(chatbot), **given)
        await DB.execute(WRITE, chatbot, *msgspec.structs.astuple(after))
        await audit.record("mudar", "retenção", chatbot, chatbot=chatbot, campos=given)
    return after
