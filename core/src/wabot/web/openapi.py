"""What the API says about itself, and the page that shows it without the Internet.

Every operation, a plugin's too, gets the errors it can answer with, so that no endpoint has to repeat them.
"""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, cast

import msgspec
from litestar import Request, Router
from litestar._openapi.schema_generation.plugins.struct import StructSchemaPlugin
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, SwaggerRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme, Tag
from litestar.static_files import create_static_files_router
from msgspec import Meta

from wabot.web import problems
from wabot.web.idempotency import HEADER, LONGEST

PATH = "/schema"
REFERENCE = "#/components/schemas/"
STATIC = Path(__file__).parent / "static"
POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'self'"
)
ABOUT = """
A API REST do wabot. Valores em dinheiro são inteiros, em centavos; datas e horas são UTC, no formato RFC 3339.
Endereços valem com e sem a barra no fim. Erros são documentos `application/problem+json` (RFC 9457).
"""


class FieldProblem(msgspec.Struct):
    """A wrong field."""

    field: Annotated[
        str, Meta(description="O campo, o parâmetro ou o cabeçalho.", examples=["itens[0].quantidade"])
    ]
    message: Annotated[str, Meta(description="O que está errado nele, para mostrar a uma pessoa.")]
    line: Annotated[int, Meta(description="Na importação: a linha do arquivo.")] | msgspec.UnsetType = (
        msgspec.UNSET
    )


class Problem(msgspec.Struct):
    """An error, as RFC 9457 has it."""

    type: Annotated[str, Meta(description="Sempre about:blank: o status diz o tipo.")]
    title: Annotated[str, Meta(description="O status em palavras.")]
    status: Annotated[int, Meta(description="O status HTTP.")]
    detail: Annotated[str, Meta(description="O que houve e o que fazer, para mostrar a uma pessoa.")]
    errors: (
        Annotated[list[FieldProblem], Meta(description="Uma entrada por campo errado.")] | msgspec.UnsetType
    ) = msgspec.UNSET


class Structs(StructSchemaPlugin):
    """Remembers every struct Litestar meets. Its own description loses limits (of what may be null, of large
    integers) and that some structs take no other fields; msgspec, which checks them, describes them exactly.
    """

    def __init__(self) -> None:
        self.met: dict[str, Any] = {}

    def to_openapi_schema(self, field_definition: Any, schema_creator: Any) -> Any:
        schema = super().to_openapi_schema(field_definition, schema_creator)
        try:
            msgspec.json.schema(field_definition.annotation)
        except TypeError:  # a plugin's, with a field of a type of its own
            return schema
        schema.title = str(field_definition.annotation)
        self.met[schema.title] = field_definition.annotation
        return schema


class _Json(JsonRenderPlugin):
    def __init__(self, structs: Structs, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._structs = structs

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return super().render(request, completed(openapi_schema, self._structs))


class _Page(SwaggerRenderPlugin):
    def __init__(self, structs: Structs, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._structs = structs

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return super().render(request, completed(openapi_schema, self._structs))


def config(structs: Structs) -> OpenAPIConfig:
    files = f"{PATH}/static/swagger-ui"
    page = _Page(
        structs,
        js_url=f"{files}/swagger-ui-bundle.js",
        css_url=f"{files}/swagger-ui.css",
        standalone_preset_js_url=f"{files}/swagger-ui-standalone-preset.js",
        favicon="<link rel='icon' href='data:,'>",
    )
    token = SecurityScheme(type="http", scheme="bearer", description="De: wabot tokens create")
    return OpenAPIConfig(
        title="wabot",
        version="1",
        description=inspect.cleandoc(ABOUT),
        render_plugins=[page, _Json(structs, path="/openapi.json")],
        openapi_router=Router(
            PATH,
            route_handlers=[],
            include_in_schema=False,
            response_headers={"Content-Security-Policy": POLICY},
        ),
        components=Components(security_schemes={"token": token}),
        security=[{"token": []}],
        tags=[
            Tag("chatbots", "Os números de empresas, suas credenciais, plugins e etapas."),
            Tag("clientes", "As pessoas que escrevem a um chatbot."),
            Tag("pedidos", "O cardápio e os pedidos de uma loja."),
        ],
    )


def files() -> Router:
    """What the page is made of: its licences lie beside it."""
    return create_static_files_router(f"{PATH}/static", [STATIC], include_in_schema=False)


def completed(schema: dict[str, Any], structs: Structs) -> dict[str, Any]:
    """The document with every error each operation can answer with, and the headers all of a kind take or give."""
    paths = {
        path: {method: _operation(path, method, about) for method, about in item.items()}
        for path, item in schema["paths"].items()
    }
    known = list(structs.met)
    references, described = msgspec.json.schema_components(
        [*(structs.met[title] for title in known), Problem], ref_template=REFERENCE + "{name}"
    )
    new = {title: reference["$ref"] for title, reference in zip(known, references, strict=False)}
    listed = schema["components"].get("schemas", {})
    renamed = {
        REFERENCE + key: new[about["title"]] for key, about in listed.items() if about.get("title") in new
    }
    others = {key: about for key, about in listed.items() if REFERENCE + key not in renamed}
    for about in described.values():
        about.pop("description", None)  # a docstring, for whoever reads the code
    document = schema | {
        "paths": paths,
        "components": schema["components"] | {"schemas": others | described},
    }
    return cast(dict[str, Any], _pointing(document, renamed))


def _pointing(value: Any, renamed: Mapping[str, str]) -> Any:
    """The same with every reference to a struct led to its new description."""
    if isinstance(value, dict):
        if (reference := str(value.get("$ref"))) in renamed:
            return value | {"$ref": renamed[reference]}
        return {key: _pointing(inner, renamed) for key, inner in value.items()}
    return [_pointing(inner, renamed) for inner in value] if isinstance(value, list) else value


def _operation(path: str, method: str, about: Any) -> Any:
    if method not in ("get", "put", "post", "delete", "patch"):
        return about
    responses = about["responses"] | {
        str(status): _problem(status) for status in _errors(path, method, about)
    }
    if "201" not in responses:
        return about | {"responses": responses}
    responses["201"] = responses["201"] | {"headers": {"Location": LOCATION}}
    return about | {"responses": responses, "parameters": [*about.get("parameters", []), IDEMPOTENCY_KEY]}


def _errors(path: str, method: str, about: dict[str, Any]) -> list[int]:
    found = [400, 401, 405, 500]
    if "{" in path:
        found.append(404)
    if method != "get":
        found += [403, 409]
    if "requestBody" in about:
        found += [413, 415]
    if "201" in about["responses"]:
        found.append(422)
    return found


def _problem(status: int) -> dict[str, Any]:
    schema = {"$ref": f"{REFERENCE}Problem"}
    return {
        "description": problems.TITLES[status],
        "content": {"application/problem+json": {"schema": schema}},
    }


LOCATION = {"description": "O endereço do que foi criado.", "schema": {"type": "string"}}
IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": (
        "Um nome que só este pedido usa, por exemplo um UUID. Repetido em até 24 horas com o mesmo corpo, "
        "nada é criado de novo e a resposta é a primeira."
    ),
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST, "pattern": "^[!-~]+$"},
}
