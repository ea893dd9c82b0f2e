"""What every REST endpoint shares, the core's and the plugins': who may see what, lists, errors at the field."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from litestar.exceptions import ValidationException
from litestar.openapi.spec import Operation, Parameter, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import QueryParameter
from litestar.response import Response
from msgspec import Meta
from piccolo.columns import Column
from piccolo.columns.combination import WhereRaw
from piccolo.table import Table

from wabot.text import clean, fold

T = TypeVar("T")
V = TypeVar("V")
TableT = TypeVar("TableT", bound=Table)
MOST_PER_PAGE = 200


class Access(msgspec.Struct, frozen=True):
    """Which chatbots the bearer of a token may see (None: all), and whether it may change anything."""

    bots: frozenset[int] | None = None
    writes: bool = False

    def sees(self, chatbot: int) -> bool:
        return self.bots is None or chatbot in self.bots


class Page(msgspec.Struct, Generic[T], frozen=True):
    """One page of a list."""

    items: Annotated[list[T], Meta(description="Os desta página.")]
    limit: Annotated[int, Meta(description="Quantos itens foram pedidos.")]
    offset: Annotated[int, Meta(description="Quantos itens foram pulados.")]
    total: Annotated[int, Meta(description="Quantos itens há ao todo, em todas as páginas.")]


class Created(Response[T]):
    """201 with the new object and its `Location`."""

    def __init__(self, content: T, location: str) -> None:
        super().__init__(content, status_code=201, headers={"Location": location})


class Invalid(ValidationException):
    """Wrong fields: `Invalid(preco="Informe o preço em centavos, de 0 a 10.000.000.")`. Answered with 400."""

    DETAIL = "Há campos inválidos."

    def __init__(self, **fields: str) -> None:
        super().__init__(
            detail=self.DETAIL,
            extra=[{"field": field, "message": message} for field, message in fields.items()],
        )


class Listing(msgspec.Struct, frozen=True):
    """The parameters all lists take."""

    limit: int = 50
    offset: int = 0
    chatbot: int | None = None
    busca: str = ""
    ordem: str = ""

    async def page(
        self,
        table: type[TableT],
        access: Access,
        show: Callable[[TableT], T],
        *,
        search: Sequence[Column] | str = (),
        where: Sequence[Any] = (),
        orders: Mapping[str, Column] | None = None,
        owner: Column | None = None,
    ) -> Page[T]:
        """One page of `table` as `access` may see it, newest first by default.

        `search` are the columns `busca` looks at, or SQL for words in lower case. Whose a row is stands in the
        column `chatbot`, or in `owner`. `orders` are the columns `ordem` may name; `-nome` is descending.
        Raises Invalid for any other.
        """
        owner = owner or table._meta.get_column_by_name("chatbot")
        conditions = [*where, *self.scope(owner, access), *self._matches(search)]
        ids = await self._ids(table, conditions, self._order(table, orders or {}))
        column = table._meta.primary_key
        rows = await table.objects().where(column.is_in(ids)) if ids else []
        by_id = {row[column._meta.name]: row for row in rows}
        total = await table.count().where(*conditions)
        items = [show(by_id[key]) for key in ids if key in by_id]
        return Page(items, self.limit, self.offset, total)

    def cut(
        self,
        items: Sequence[T],
        chatbot: int,
        *,
        search: Callable[[T], str],
        orders: Mapping[str, Callable[[T], Any]],
    ) -> Page[T]:
        """One page of a few items of one chatbot that are at hand already, in their own order by default."""
        words = fold(self.busca)
        found = [item for item in items if words in fold(search(item))] if words else list(items)
        if self.chatbot not in (None, chatbot):
            found = []
        if self.ordem:
            found.sort(key=self._chosen(orders), reverse=self.ordem.startswith("-"))
        return Page(found[self.offset :][: self.limit], self.limit, self.offset, len(found))

    async def _ids(
        self, table: type[Table], conditions: Sequence[Any], order: tuple[Column, bool]
    ) -> list[Any]:
        """Of the rows to show: an index knows them, so that skipping a million reads no row of the table."""
        (column, ascending), key = order, table._meta.primary_key
        query = table.select(key).where(*conditions).limit(self.limit).offset(self.offset)
        columns = (
            [column] if column is key else [column, key]
        )  # equal ones keep their places from page to page
        return [row[key._meta.name] for row in await query.order_by(*columns, ascending=ascending)]

    def scope(self, owner: Column, access: Access) -> list[Any]:
        """What of `owner`'s rows may be shown, as conditions for a query."""
        scope: list[Any] = []
        if access.bots is not None:
            scope.append(owner.is_in(sorted(access.bots)) if access.bots else WhereRaw("false"))
        if self.chatbot is not None:
            scope.append(owner == self.chatbot)
        return scope

    def _matches(self, search: Sequence[Column] | str) -> list[Any]:
        words = clean(self.busca).strip()
        if not words or not search:
            return []
        escaped = words.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
        if isinstance(search, str):
            return [WhereRaw(f"{search} LIKE lower({{}})", f"%{escaped}%")]
        either: Any = search[0].ilike(f"%{escaped}%")
        for column in search[1:]:
            either = either | column.ilike(f"%{escaped}%")
        return [either]

    def _order(self, table: type[Table], orders: Mapping[str, Column]) -> tuple[Column, bool]:
        if not self.ordem:
            return table._meta.primary_key, False
        return self._chosen(orders), not self.ordem.startswith("-")

    def _chosen(self, orders: Mapping[str, V]) -> V:
        name = self.ordem.removeprefix("-")
        if name not in orders:
            raise Invalid(ordem=f"Use um destes: {', '.join(sorted(orders)) or '(nenhum)'}.")
        return orders[name]


def sorted_by(orders: Collection[str]) -> type[Operation]:
    """For the OpenAPI document: what `ordem` may be. `@get(operation_class=sorted_by(ORDERS))`."""

    @dataclass
    class Sorted(Operation):
        def __post_init__(self) -> None:
            for parameter in self.parameters or ():
                if isinstance(parameter, Parameter) and parameter.name == "ordem":
                    choices = ["", *(sign + name for name in orders for sign in ("", "-"))]
                    parameter.schema = Schema(type=OpenAPIType.STRING, enum=choices, default="")

    return Sorted


async def provide_listing(
    limit: Annotated[int, QueryParameter(ge=1, le=MOST_PER_PAGE, description="Quantos itens trazer.")] = 50,
    offset: Annotated[int, QueryParameter(ge=0, le=10_000_000, description="Quantos itens pular.")] = 0,
    chatbot: Annotated[
        int | None, QueryParameter(ge=1, le=2**31 - 1, description="Só o que é deste chatbot.")
    ] = None,
    busca: Annotated[
        str,
        QueryParameter(max_length=100, description="Palavras que o item contém, sem diferenciar maiúsculas."),
    ] = "",
    ordem: Annotated[
        str,
        QueryParameter(
            max_length=40, description="Campo pelo qual ordenar; com - na frente, do maior ao menor."
        ),
    ] = "",
) -> Listing:
    return Listing(limit, offset, chatbot, busca, ordem)
