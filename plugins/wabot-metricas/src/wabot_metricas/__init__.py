"""Métricas de atendimento: relatórios por hora, fluxo e etapa, contados à medida que as conversas acontecem.

This module is the plugin's table of contents: one function per thing it adds to wabot.
"""

from typing import TYPE_CHECKING

from wabot import PluginPage, hookimpl
from wabot_metricas.config import Config
from wabot_metricas.pages import metricas

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
