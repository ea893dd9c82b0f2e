"""A person's rights (LGPD): `/api/clientes/{id}/exportar/` and `apagar/`; and how long a chatbot keeps things."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import IO

from litestar import Controller, get, patch, post
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import FromPath, JSONBody
from litestar.response import Stream

from wabot import retention
from wabot.db.engine import DB
from wabot.privacy import erase, export
from wabot.privacy.erase import Erasure, NotErased
from wabot.privacy.hooks import PluginInTheWay
from wabot.privacy.subject import NoSuchCliente
from wabot.process import Process
from wabot.retention import Retention, RetentionChange
from wabot.web.rest import Access

PIECE = 64 * 1024

# Of somebody who was erased, the row that tells so knows.
WHOSE = """
SELECT chatbot FROM cliente WHERE id = $1 UNION ALL SELECT chatbot FROM apagamento WHERE $1 = ANY (clientes) LIMIT 1
"""
NOT_FOUND = "Cliente não encontrado."


class PrivacyController(Controller):
    path = "/clientes/{id:int}"
    tags = ("clientes",)

    @get("/exportar", media_type="application/zip", summary="Tudo o que se guarda de uma pessoa, em um zip")
    async def export(
        self, process: NamedDependency[Process], access: NamedDependency[Access], id: FromPath[int]
    ) -> Stream:
        """`dados.json`, the person's files and a page that explains both: what LGPD, art. 18, asks to hand over."""
        chatbot = await _whose(access, id)
        file = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it has been sent
        try:
            with _told():
                await export.write(process.registry, chatbot, id, file)
        except BaseException:
            file.close()
            raise
        headers = {"Content-Disposition": f'attachment; filename="cliente-{id}.zip"'}
        return Stream(_pieces(file), media_type="application/zip", headers=headers)

    @post("/apagar", status_code=200, summary="Apaga uma pessoa de tudo, para sempre; devolve o recibo")
    async def erase(
        self, process: NamedDependency[Process], access: NamedDependency[Access], id: FromPath[int]
    ) -> Erasure:
        """Orders stay in the books without the person. Who is erased already gets the same receipt again."""
        chatbot = await _whose(access, id)
        with _told():
            return await erase.erase(process.registry, chatbot, id)


class RetentionController(Controller):
    path = "/chatbots/{id:int}/retencao"
    tags = ("chatbots",)

    @get(summary="Por quantos dias cada tipo de dado é guardado")
    async def read(self, access: NamedDependency[Access], id: FromPath[int]) -> Retention:
        return await retention.of(await _bot(access, id))

    @patch(summary="Muda por quantos dias; null guarda para sempre")
    async def change(
        self, access: NamedDependency[Access], id: FromPath[int], data: JSONBody[RetentionChange]
    ) -> Retention:
        return await retention.change(await _bot(access, id), data)


@contextmanager
def _told() -> Iterator[None]:
    """Why it cannot be done, as an answer."""
    try:
        yield
    except NoSuchCliente:
        raise NotFoundException(detail=NOT_FOUND) from None
    except (PluginInTheWay, NotErased) as error:
        raise ClientException(detail=str(error), status_code=409) from None


async def _whose(access: Access, id: int) -> int:
    """The chatbot of a cliente. Somebody else's looks as if it did not exist."""
    chatbot: int | None = await DB.fetchval(WHOSE, id) if 0 < id < 2**63 else None
    if chatbot is None or not access.sees(chatbot):
        raise NotFoundException(detail=NOT_FOUND)
    return chatbot


async def _bot(access: Access, id: int) -> int:
    known = 0 < id < 2**31 and await DB.fetchval("SELECT true FROM chatbot WHERE id = $1", id)
    if not known or not access.sees(id):
        raise NotFoundException(detail="Chatbot não encontrado.")
    return id


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        file.seek(0)
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield piece
