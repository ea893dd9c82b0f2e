"""`/api/chatbots/{id}/plugins/` and `/api/chatbots/{id}/etapas/`: what a chatbot is made of."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from litestar import Controller, get, patch, put
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, UnsetType

from wabot.plugins import bindings
from wabot.plugins.bindings import Binding, Conflict
from wabot.plugins.catalogue import Entry, Status, catalogue
from wabot.plugins.configs import BadConfig, Stored, show
from wabot.process import Process
from wabot.turn import BoundFlow
from wabot.web.chatbots import mine
from wabot.web.rest import Access, Invalid, Listing, Page, sorted_by

Enabled = Annotated[bool, Meta(description="Se o chatbot usa o plugin.")]
Config = Annotated[
    dict[str, Any],
    Meta(description="A configuração do plugin neste chatbot; os campos estão em schema.", examples=[{}]),
]
Priority = Annotated[
    int, Meta(ge=-1000, le=1000, description="O fluxo do plugin de maior prioridade é o que um “oi” começa.")
]


class BindingOut(msgspec.Struct, frozen=True):
    """A plugin on one chatbot: what a person wants of it, and how it is."""

    plugin: Annotated[str, Meta(description="O id do plugin.", examples=["pedidos"])]
    title: Annotated[str, Meta(description="O que o plugin faz.")]
    version: Annotated[str, Meta(description="A versão instalada.")]
    status: Annotated[Status, Meta(description="Se o plugin instalado pode ser usado.")]
    error: Annotated[str, Meta(description="Por que o plugin não pode ser usado, e o que fazer.")]
    enabled: Enabled
    priority: Annotated[int, Meta(description="O maior é o que um “oi” começa.")]
    config: Config
    secrets: Annotated[
        list[str], Meta(description="Quais campos secretos têm um valor; ele nunca é mostrado.")
    ]
    schema: Annotated[dict[str, Any], Meta(description="JSON Schema da configuração.")]


class BindingIn(msgspec.Struct, forbid_unknown_fields=True):
    """A whole binding. Fields of the configuration that are left out get their defaults; secrets stay."""

    enabled: Enabled
    config: Config = {}
    priority: Priority = 0


class BindingChange(msgspec.Struct, forbid_unknown_fields=True):
    """Only what is given changes, of the configuration too."""

    enabled: Enabled | UnsetType = UNSET
    config: Config | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET


class Etapa(msgspec.Struct, frozen=True):
    """An etapa and who serves it now."""

    codigo: Annotated[str, Meta(description="O nome da etapa.", examples=["selecionar_categoria"])]
    handler: Annotated[str, Meta(description="Módulo e função.", examples=["wabot_pedidos.flow:inicio"])]
    ordem: Annotated[int, Meta(description="O lugar dentro do fluxo, a partir de 1.")]
    plugin: Annotated[str, Meta(description="O plugin que a atende: o do fluxo, ou um que a muda.")]
    fluxo: Annotated[str, Meta(description="O fluxo de que faz parte.")]


PLUGIN_ORDERS: dict[str, Callable[[BindingOut], Any]] = {
    "plugin": lambda item: item.plugin,
    "priority": lambda item: item.priority,
}
ETAPA_ORDERS: dict[str, Callable[[Etapa], Any]] = {
    "ordem": lambda etapa: etapa.ordem,
    "codigo": lambda etapa: etapa.codigo,
}


class BindingController(Controller):
    path = "/chatbots/{id:int}/plugins"
    tags = ("chatbots",)

    @get(
        summary="Lista os plugins instalados e como o chatbot os usa; busca em id e título",
        operation_class=sorted_by(PLUGIN_ORDERS),
    )
    async def list(
        self,
        process: NamedDependency[Process],
        access: NamedDependency[Access],
        listing: NamedDependency[Listing],
        id: FromPath[int],
    ) -> Page[BindingOut]:
        await mine(access, id)
        found = await _bindings(process, id)
        return listing.cut(
            found,
            id,
            search=lambda item: f"{item.plugin} {item.title}",
            orders=PLUGIN_ORDERS,
        )

    @get("/{plugin:str}", summary="Mostra um plugin neste chatbot")
    async def read(
        self,
        process: NamedDependency[Process],
        access: NamedDependency[Access],
        id: FromPath[int],
        plugin: FromPath[str],
    ) -> BindingOut:
        await mine(access, id)
        return await _one(process, id, plugin)

    @put("/{plugin:str}", summary="Liga, desliga e configura um plugin por inteiro")
    async def replace(
        self,
        process: NamedDependency[Process],
        access: NamedDependency[Access],
        id: FromPath[int],
        plugin: FromPath[str],
        data: JSONBody[BindingIn],
    ) -> BindingOut:
        await mine(access, id)
        return await _saved(process, id, plugin, msgspec.structs.asdict(data), afresh=True)

    @patch("/{plugin:str}", summary="Liga, desliga ou muda campos da configuração de um plugin")
    async def change(
        self,
        process: NamedDependency[Process],
        access: NamedDependency[Access],
        id: FromPath[int],
        plugin: FromPath[str],
        data: JSONBody[BindingChange],
    ) -> BindingOut:
        await mine(access, id)
        fields = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not UNSET}
        return await _saved(process, id, plugin, fields)


class EtapaController(Controller):
    path = "/chatbots/{id:int}/etapas"
    tags = ("chatbots",)

    @get(
        summary="Lista as etapas que atendem o chatbot agora; busca em código e fluxo",
        operation_class=sorted_by(ETAPA_ORDERS),
    )
    async def list(
        self,
        process: NamedDependency[Process],
        access: NamedDependency[Access],
        listing: NamedDependency[Listing],
        id: FromPath[int],
    ) -> Page[Etapa]:
        await mine(access, id)
        runtime = process.runtimes.get(id)
        etapas = [etapa for flow in (runtime.flows if runtime else ()) for etapa in _etapas(flow)]
        return listing.cut(
            etapas,
            id,
            search=lambda etapa: f"{etapa.codigo} {etapa.fluxo}",
            orders=ETAPA_ORDERS,
        )


def _etapas(bound: BoundFlow) -> list[Etapa]:
    found = []
    for ordem, (codigo, function) in enumerate(bound.flow.etapas.items(), 1):
        override = bound.overrides.get(codigo)
        serves: Any = (override.value.replace or override.value.wrap) if override else function
        plugin = override.plugin if override else bound.plugin
        found.append(Etapa(codigo, _handler(serves), ordem, plugin, bound.flow.id))
    return found


def _handler(function: Any) -> str:
    function = inspect.unwrap(function)
    return f"{function.__module__}:{getattr(function, '__qualname__', type(function).__qualname__)}"


async def _bindings(process: Process, chatbot: int) -> list[BindingOut]:
    """Those that are switched on or were, in the order in which they are asked; then the other installed ones."""
    entries = await catalogue()
    kept = await bindings.of_chatbot(chatbot)
    names = [name for name in (*kept, *(n for n in entries if n not in kept)) if name in entries]
    return [_shown(process, entries[name], kept.get(name)) for name in names]


async def _one(process: Process, chatbot: int, plugin: str) -> BindingOut:
    found = [binding for binding in await _bindings(process, chatbot) if binding.plugin == plugin]
    if not found:
        raise NotFoundException(detail="Não há plugin com este id.")
    return found[0]


def _shown(process: Process, entry: Entry, binding: Binding | None) -> BindingOut:
    loaded = process.registry.plugins.get(entry.id)
    config = show(
        loaded.declared.config if loaded else None, binding.stored if binding else Stored(), process.vault
    )
    about = entry.descriptor.config
    return BindingOut(
        plugin=entry.id,
        title=entry.title,
        version=entry.about.version,
        status=entry.status,
        error=entry.error,
        enabled=binding.enabled if binding else False,
        priority=binding.priority if binding else 0,
        config=config.values,
        secrets=config.secrets,
        schema=about.schema if about else {},
    )


async def _saved(
    process: Process, chatbot: int, plugin: str, fields: dict[str, Any], *, afresh: bool = False
) -> BindingOut:
    """Raises Invalid at the field of the configuration, or ClientException with 409 and the reason."""
    before = await _one(process, chatbot, plugin)
    loaded = process.registry.plugins.get(plugin)
    if loaded is None and fields == {"enabled": False}:
        await bindings.disable(chatbot, plugin)  # what is broken can always be switched off
        return await _one(process, chatbot, plugin)
    if loaded is None:
        why = before.error or "foi instalado depois que este processo começou; reinicie-o"
        raise ClientException(detail=f"O plugin {plugin} não pode ser usado: {why}.", status_code=409)
    config = fields.pop("config", {})
    try:
        await bindings.save(
            chatbot, loaded, config, process.vault, await catalogue(), afresh=afresh, **fields
        )
    except BadConfig as error:
        raise Invalid(**{f"config.{name}": why for name, why in error.fields.items()}) from None
    except Conflict as error:
        raise ClientException(detail=str(error), status_code=409) from None
    return await _one(process, chatbot, plugin)
