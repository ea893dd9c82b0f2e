"""The rows behind the endpoints: whose they are, what may be written to them, how they are shown."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from litestar.exceptions import NotFoundException
from msgspec import UNSET

from wabot import DB, Access, Invalid, clean
from wabot_pedidos.tables import Categoria

T = TypeVar("T")


def shown_as(shape: type[T]) -> Callable[[Any], T]:
    """How a row is shown: its columns of the same names."""
    return lambda row: msgspec.convert(row, shape, from_attributes=True)


async def mine(table: type[Any], access: Access, id: int) -> Any:
    """The row, if there is one and the caller may see it. Somebody else's looks as if it did not exist."""
    row = await table.objects().where(table.id == fitting(id)).first()
    if row is None or not access.sees(row.chatbot):
        raise NotFoundException(detail=f"Não há {table.__name__.lower()} com este id.")
    return row


def fitting(id: int) -> int:
    """An id PostgreSQL can compare; anything larger exists nowhere."""
    return id if 0 <= id < 2**63 else 0


async def changed(row: Any, data: msgspec.Struct) -> Any:
    """Only what is given is written: an order may take stock at the same moment."""
    values = given(data)
    for name, value in values.items():
        setattr(row, name, value)
    if values:
        await row.save(columns=list(values))
    return row


def given(data: msgspec.Struct) -> dict[str, Any]:
    """The fields that were sent, their words as they can be stored and shown in one line."""
    sent = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not UNSET}
    fields = {name: words(value) if isinstance(value, str) else value for name, value in sent.items()}
    if "nome" in fields:
        fields["nome"] = " ".join(fields["nome"].split())
        if not fields["nome"]:
            raise Invalid(nome="Informe um nome.")
    return fields


def words(text: str) -> str:
    return clean(text).strip()


async def check_chatbot(access: Access, chatbot: int) -> None:
    if not access.sees(chatbot) or not await DB.fetchval("SELECT true FROM chatbot WHERE id = $1", chatbot):
        raise Invalid(chatbot="Este chatbot não existe.")


def check_same_chatbot(row: Any, chatbot: int) -> None:
    if chatbot != row.chatbot:
        raise Invalid(chatbot="O chatbot de um registro não muda.")


async def check_categoria(chatbot: int, categoria: int) -> None:
    if not await Categoria.exists().where(Categoria.id == categoria, Categoria.chatbot == chatbot):
        raise Invalid(categoria="Esta categoria não existe neste chatbot.")
