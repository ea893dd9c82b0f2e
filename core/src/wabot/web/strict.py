"""What is asked of every request to the API before its handler is called: known parameters, and a body that fits."""

from functools import lru_cache
from typing import Any

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.exceptions import ClientException
from litestar.handlers import BaseRouteHandler

from wabot.explain import shown, wrong_fields
from wabot.web.rest import Invalid


def _number(text: str) -> int | float:
    """JSON does not tell 2 from 2.0, nor does JSON Schema."""
    number = float(text)
    return int(number) if number.is_integer() else number


_DECODER = msgspec.json.Decoder(float_hook=_number)
AnyConnection = ASGIConnection[Any, Any, Any, Any]
UNREADABLE = "O corpo não é um JSON que se possa ler."


async def only_known_parameters(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Guard: a parameter nobody reads is a mistake somebody should hear of. Raises Invalid."""
    given = connection.query_params
    known = _parameters(connection.scope["route_handler"], frozenset(connection.path_params))
    there = f"Use um destes: {', '.join(sorted(known))}." if known else "Aqui não há parâmetros."
    wrong = {shown(name): f"Este parâmetro não existe. {there}" for name in given if name not in known}
    for name, many in known.items():
        if not many and len(given.getall(name, [])) > 1:
            wrong[name] = "Informe este parâmetro uma vez só."
    if wrong:
        raise Invalid(**wrong)


@lru_cache(maxsize=1024)
def _parameters(handler: Any, in_path: frozenset[str]) -> dict[str, bool]:
    """The parameters a handler reads, and whether it takes each several times."""
    model = handler.create_kwargs_model(dict.fromkeys(in_path))
    return {parameter.field_alias: parameter.is_sequence for parameter in model.expected_query_params}


async def fitting_body(connection: AnyConnection, handler: BaseRouteHandler) -> None:
    """Guard: every wrong field of a JSON body is named, not only the first; and "3" is no number.

    Raises Invalid, or ClientException with 415.
    """
    shape = _shape(handler)
    if shape is None or not isinstance(connection, Request):
        return
    kind = connection.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise ClientException(detail="Envie o corpo como application/json.", status_code=415)
    try:
        value = _DECODER.decode(await connection.body())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Invalid(corpo=UNREADABLE) from None
    if wrong := dict(wrong_fields(value, shape)):
        raise Invalid(**wrong)


def _shape(handler: Any) -> type[msgspec.Struct] | None:
    data = handler.parsed_fn_signature.parameters.get("data")
    kind = data.annotation if data else None
    return kind if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else None
