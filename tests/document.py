"""The OpenAPI document of everything that is installed, made without starting anything."""

from functools import cache
from typing import Any

from wabot.plugins import declared
from wabot.plugins.installed import installed
from wabot.web.app import create_app, mount
from wabot.web.openapi import Structs, completed

METHODS = ("get", "post", "put", "patch", "delete")


@cache
def document() -> dict[str, Any]:
    """As `/schema/openapi.json` gives it."""
    app = create_app(lambda: None)  # type: ignore[arg-type, return-value]
    for about in installed():
        mount(app, about.id, declared.load(about.id, about.module))
    return completed(app.openapi_schema.to_schema(), app.plugins.get(Structs))


def operations() -> list[tuple[str, str]]:
    """Every method and path there is under /api."""
    return [
        (method, path) for path, item in document()["paths"].items() for method in item if method in METHODS
    ]
