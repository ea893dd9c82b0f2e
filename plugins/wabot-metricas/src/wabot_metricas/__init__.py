"""Métricas de atendimento: relatórios por hora, fluxo e etapa, contados à medida que as conversas acontecem.

This module is the plugin's table of contents: one function per thing it adds to wabot.
"""

from typing import TYPE_CHECKING, Any

from wabot import Job, PluginPage, Privacy, Sink, hookimpl
from wabot_metricas.config import Config
from wabot_metricas.eventos import NAMES
from wabot_metricas.pages import metricas
from wabot_metricas.privacidade import apagar, exportar
from wabot_metricas.sink import contar, esquecer

if TYPE_CHECKING:
    from piccolo.conf.apps import AppConfig


@hookimpl
def wabot_config() -> type[Config]:
    return Config


@hookimpl
def wabot_tables() -> "AppConfig":
    from wabot_metricas.piccolo_app import APP_CONFIG

    return APP_CONFIG


@hookimpl
def wabot_pages() -> list[PluginPage]:
    return [PluginPage("Métricas", metricas)]


@hookimpl
def wabot_sinks() -> list[Sink]:
    return [Sink("contar", contar, NAMES)]


@hookimpl
def wabot_jobs() -> list[Job]:
    return [Job("esquecer", esquecer, "30 3 * * *", "Esquecer quem já foi contado")]


@hookimpl
def wabot_routes() -> list[Any]:
    from wabot_metricas.routes import ROUTES

    return ROUTES


@hookimpl
def wabot_privacy() -> Privacy:
    return Privacy(exportar, apagar)
