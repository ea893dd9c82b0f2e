"""Reativação de clientes: campanhas para quem parou de escrever, com grupo de controle e custo à vista.

This module is the plugin's table of contents: one function per thing it adds to wabot.
"""

from typing import TYPE_CHECKING, Any

from wabot import AdminTable, Campaign, Job, PluginPage, Privacy, Sink, hookimpl

if TYPE_CHECKING:
    from piccolo.conf.apps import AppConfig


@hookimpl
def wabot_campaigns() -> list[Campaign]:
    from wabot_reativacao.envio import REATIVACAO

    return [REATIVACAO]


@hookimpl
def wabot_jobs() -> list[Job]:
    from wabot_reativacao.resultados import APURAR_DE_HORA_EM_HORA
    from wabot_reativacao.vigia import VIGIAR

    return [VIGIAR, APURAR_DE_HORA_EM_HORA]


@hookimpl
def wabot_sinks() -> list[Sink]:
    from wabot_reativacao.perfil import EVENTO, pedidos_confirmados

    return [Sink("pedidos", pedidos_confirmados, (EVENTO,))]


@hookimpl
def wabot_tables() -> "AppConfig":
    from wabot_reativacao.piccolo_app import APP_CONFIG

    return APP_CONFIG


@hookimpl
def wabot_routes() -> list[Any]:
    from wabot_reativacao.routes import CampanhaController

    return [CampanhaController]


@hookimpl
def wabot_pages() -> list[PluginPage]:
    from wabot_reativacao.pages import campanhas

    return [PluginPage("Campanhas", campanhas)]


@hookimpl
def wabot_admin() -> list[AdminTable]:
    from wabot_reativacao.tables import Campanha, Envio, Perfil

    return [AdminTable(Campanha), AdminTable(Envio), AdminTable(Perfil)]  # looked at: rules are in the API


@hookimpl
def wabot_privacy() -> Privacy:
    from wabot_reativacao.privacidade import apagar, exportar

    return Privacy(exportar, apagar)
