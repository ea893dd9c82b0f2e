"""What a plugin can add: the contract, one sentence a hook.

Hooks only declare: each is called once, when the plugin is loaded, and returns values. What runs later are methods of
those values, called by wabot. All are optional.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import pluggy

from wabot.flow import Flow

if TYPE_CHECKING:
    from litestar.types import ControllerRouterHandler
    from piccolo.conf.apps import AppConfig

GROUP = "wabot"
"""The entry-point group, and the name of the pluggy project."""

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def wabot_config() -> type[msgspec.Struct]:  # type: ignore[empty-body]
    """The shape of the plugin's configuration for one bot: a frozen Struct whose fields all have defaults."""


@hookspec
def wabot_flows() -> Sequence[Flow[Any]]:  # type: ignore[empty-body]
    """The conversations the plugin can lead; the first one is what a greeting starts."""


@hookspec
def wabot_tables() -> "AppConfig":  # type: ignore[empty-body]
    """The plugin's Piccolo app: its tables, in a PostgreSQL schema named like the plugin, and their migrations."""


@hookspec
def wabot_routes() -> "Sequence[ControllerRouterHandler]":  # type: ignore[empty-body]
    """Litestar handlers, mounted under `/api/<plugin id>` behind the same tokens as the core's."""
