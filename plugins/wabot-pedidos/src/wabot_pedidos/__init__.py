"""Pedidos pelo WhatsApp: o cliente escolhe, confere e confirma, sem falar com ninguém.

This module is the plugin's table of contents: one function per thing it adds to wabot.
"""

from typing import TYPE_CHECKING, Any

from wabot import AdminTable, Flow, Job, PluginPage, Privacy, Versioned, hookimpl
from wabot_pedidos.config import Config
from wabot_pedidos.flow import pedidos
from wabot_pedidos.pages import de_hoje
from wabot_pedidos.privacidade import apagar, exportar
from wabot_pedidos.verificacao import verificar

if TYPE_CHECKING:
    from piccolo.conf.apps import AppConfig


@hookimpl
def wabot_config() -> Versioned[Config]:
    return Versioned(Config, version=2, migrations={1: dict})  # what is new has its default


@hookimpl
def wabot_flows() -> list[Flow[Any]]:
    return [pedidos]


@hookimpl
def wabot_jobs() -> list[Job]:
    return [Job("verificacao_de_pedidos", verificar, "0 */6 * * *", "Verificação de pedidos")]


@hookimpl
def wabot_tables() -> "AppConfig":
    from wabot_pedidos.piccolo_app import APP_CONFIG

    return APP_CONFIG


@hookimpl
def wabot_pages() -> list[PluginPage]:
    return [PluginPage("Pedidos de hoje", de_hoje)]


@hookimpl
def wabot_admin() -> list[AdminTable]:
    from wabot_pedidos.tables import Categoria, ItemPedido, Pedido, Produto

    return [
        AdminTable(Categoria, ("nome", "descricao", "ordem", "ativo")),
        AdminTable(Produto, ("nome", "descricao", "preco", "disponivel", "estoque", "imagem_url")),
        AdminTable(Pedido),  # its status gives stock back, which only the API knows
        AdminTable(ItemPedido),
    ]


@hookimpl
def wabot_routes() -> list[Any]:
    from wabot_pedidos.routes import CategoriaController, PedidoController, ProdutoController

    return [CategoriaController, ProdutoController, PedidoController]


@hookimpl
def wabot_privacy() -> Privacy:
    return Privacy(exportar, apagar)
