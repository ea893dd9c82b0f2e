"""What every REST endpoint shares, the core's and the plugins': who may see what, lists, errors at the field."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from litestar.exceptions import ValidationException
from litestar.params import QueryParameter
from litestar.response import Response
from piccolo.columns import Column
from piccolo.columns.combination import WhereRaw
from piccolo.table import Table

from wabot.text import clean

T = TypeVar("T")
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

    items: list[T]
    limit: int
    offset: int
    total: int


class Created(Response[T]):
    """201 with the new object and its `Location`."""

    def __init__(self, content: T, location: str) -> None:
        super().__init__(content, status_code=201, headers={"Location": location})


class Invalid(ValidationException):
    """Wrong fields: `Invalid(preco="Informe o preço em centavos, de 0 a 10.000.000.")`. Answered with 400."""

    def __init__(self, **fields: str) -> None:
        super().__init__(
            detail="Há campos inválidos.",
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
        search: Sequence[Column] = (),
        where: Sequence[Any] = (),
        orders: Mapping[str, Column] | None = None,
    ) -> Page[T]:
        """One page of `table` (which has a `chatbot` column) as `access` may see it, newest first by default.

        `orders` are the columns `ordem` may name; `-nome` is descending. Raises Invalid for any other.
        """
        conditions = [*where, *self._scope(table, access), *self._matches(search)]
        column, ascending = self._order(table, orders or {})
        rows = table.objects().where(*conditions) if conditions else table.objects()
        count = table.count().where(*conditions) if conditions else table.count()
        items = await rows.order_by(column, ascending=ascending).limit(self.limit).offset(self.offset)
        return Page([show(row) for row in items], self.limit, self.offset, await count)

    def _scope(self, table: type[Table], access: Access) -> list[Any]:
        owner = table._meta.get_column_by_name("chatbot")
        scope: list[Any] = []
        if access.bots is not None:
            scope.append(owner.is_in(sorted(access.bots)) if access.bots else WhereRaw("false"))
        if self.chatbot is not None:
            scope.append(owner == self.chatbot)
        return scope

    def _matches(self, search: Sequence[Column]) -> list[Any]:
        words = clean(self.busca).strip()
        if not words or not search:
            return []
        escaped = words.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
        either: Any = search[0].ilike(f"%{escaped}%")
        for column in search[1:]:
            either = either | column.ilike(f"%{escaped}%")
        return [either]

    def _order(self, table: type[Table], orders: Mapping[str, Column]) -> tuple[Column, bool]:
        if not self.ordem:
            return table._meta.primary_key, False
        name = self.ordem.removeprefix("-")
        if name not in orders:
            raise Invalid(ordem=f"Use um destes: {', '.join(sorted(orders)) or '(nenhum)'}.")
        return orders[name], not self.ordem.startswith("-")


async def provide_listing(
    limit: Annotated[int, QueryParameter(ge=1, le=MOST_PER_PAGE)] = 50,
    offset: Annotated[int, QueryParameter(ge=0, le=10_000_000)] = 0,
    chatbot: Annotated[int | None, QueryParameter(ge=1, le=2**31 - 1)] = None,
    busca: Annotated[str, QueryParameter(max_length=100)] = "",
    ordem: Annotated[str, QueryParameter(max_length=40)] = "",
) -> Listing:
    return Listing(limit, offset, chatbot, busca, ordem)
