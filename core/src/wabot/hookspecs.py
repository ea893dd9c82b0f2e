"""What a plugin can add: the contract, one sentence a hook first, then what its author has to know.

Hooks only declare: each is called once, when the plugin is loaded, and returns values. What runs later are methods of
those values, called by wabot under its guard. All are optional, and none may be `async`.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import pluggy

from wabot.flow import Flow
from wabot.parts import AdminTable, Campaign, Filter, Job, Override, PluginPage, Privacy, Sink, Versioned

if TYPE_CHECKING:
    from litestar.types import ControllerRouterHandler
    from piccolo.conf.apps import AppConfig

GROUP = "wabot"
"""The entry-point group, and the name of the pluggy project."""

hookimpl = pluggy.HookimplMarker(GROUP)

F = TypeVar("F", bound=Callable[..., Any])


class About(msgspec.Struct, frozen=True):
    """What wabot knows of a hook besides its signature."""

    kind: str
    """What `wabot plugins list` calls a plugin that implements it; empty: nothing."""
    of: tuple[type, ...]
    """The type of what is declared; empty where any object will do."""
    many: bool
    """Whether the hook returns a list."""
    since: str
    removed_in: str = ""
    """The release that will not call it any more; `wabot plugins check` warns until then."""
    instead: str = ""


ABOUT: dict[str, About] = {}
"""Every hook by its name."""


def _hook(
    *of: type, many: bool = False, kind: str = "", since: str, removed_in: str = "", instead: str = ""
) -> Callable[[F], F]:
    def mark(function: F) -> F:
        ABOUT[function.__name__] = About(kind, of, many, since, removed_in, instead)
        return pluggy.HookspecMarker(GROUP)(function)

    return mark


@_hook(type, Versioned, since="1.0")
def wabot_config() -> type[msgspec.Struct] | Versioned[Any]:  # type: ignore[empty-body]
    """The shape of the plugin's configuration for one bot: a frozen Struct whose fields all have defaults.

    `msgspec.Meta` holds each field's label (`title`), help (`description`) and limits; a field of type `Secret` is
    stored encrypted and never shown. The panel makes a form of it: docs/panel.md says which type becomes what (`Reais`
    is money, `Horario` a range of time). `wabot plugins enable ID --bot BOT --set field=value` checks each field and
    names every wrong one. Flows, filters and jobs find an instance in `ctx.config`. When the shape changes so that what
    is stored does not fit any more, return `Versioned(Config, version=2, migrations={1: from_1})`.
    """


@_hook(Flow, many=True, kind="flow", since="1.0")
def wabot_flows() -> Sequence[Flow[Any]]:  # type: ignore[empty-body]
    """The conversations the plugin can lead; the first one is what a greeting starts.

    The first flow of the binding with the highest `--priority` is the first in the bot's menu. If a bot has one flow in
    all, any message that means nothing else starts it; if it has several, the bot asks which.
    """


@_hook(Override, many=True, kind="override", since="1.0")
def wabot_overrides() -> Sequence[Override]:  # type: ignore[empty-body]
    """Etapas of another plugin's flow that this one replaces or wraps, by name, for the bots that switch it on.

    Two plugins that change the same etapa cannot both be on for one bot: `wabot plugins enable` says so.
    """


@_hook(Filter, many=True, kind="filter", since="1.0")
def wabot_filters() -> Sequence[Filter]:  # type: ignore[empty-body]
    """What looks at every message of a bot before its flows do, and may answer in their place.

    Filters are asked in the order of the bindings, highest `--priority` first. They see no message that was sent while
    a person has the conversation.
    """


@_hook(Job, many=True, kind="job", since="1.0")
def wabot_jobs() -> Sequence[Job]:  # type: ignore[empty-body]
    """Work at fixed times, once per due time for each bot that has the plugin on, however many schedulers run.

    People change when it runs, and with which arguments: see docs/agenda.md.
    """


@_hook(Sink, many=True, kind="sink", since="1.0")
def wabot_sinks() -> Sequence[Sink]:  # type: ignore[empty-body]
    """What reads the events of a bot, in order and in batches, each sink from a checkpoint of its own.

    A sink starts with the events that come after the plugin was switched on. The names are in docs/events.md.
    """


@_hook(Campaign, many=True, kind="campaign", since="1.0")
def wabot_campaigns() -> Sequence[Campaign]:  # type: ignore[empty-body]
    """What writes to clientes who did not write first: the plugin says to whom and with which template.

    wabot sees to the rest: consent, once per cliente and round, behind every reply, and never twice. An audience of
    many thousands is an async generator that yields lots: when it goes on, those are in the outbox. With a `Mailing`
    the plugin pauses, resumes and withdraws what waits there.
    """


@_hook(object, kind="tables", since="1.0")
def wabot_tables() -> "AppConfig":  # type: ignore[empty-body]
    """The plugin's Piccolo app: its tables, in a PostgreSQL schema named like the plugin, and their migrations.

    `wabot migrate` (and `wabot up`, `wabot demo`) runs them after the core's, each app in one transaction, under an
    advisory lock. Migrations may hold raw SQL. Give each table of a business a column `chatbot`: wabot then refuses a
    write to another chatbot's rows during a turn, a job or a request.
    """


@_hook(AdminTable, many=True, since="1.0")
def wabot_admin() -> Sequence[AdminTable]:  # type: ignore[empty-body]
    """Which of the plugin's tables superusers find in `/admin/`, and what they may change there.

    A table that is not named is not there, nor is a column with `secret=True`.
    """


@_hook(PluginPage, many=True, kind="pages", since="1.0")
def wabot_pages() -> Sequence[PluginPage]:  # type: ignore[empty-body]
    """Pages in the panel, for the bots that have the plugin on: see docs/panel.md.

    wabot sees to who may look, at which bot, and to the frame around. A page that fails or takes longer than 5 seconds
    is an error card, and counts against the plugin's page only: what customers talk to goes on.
    """


@_hook(many=True, kind="routes", since="1.0")
def wabot_routes() -> "Sequence[ControllerRouterHandler]":  # type: ignore[empty-body]
    """Litestar handlers, mounted under `/api/<plugin id>` behind the same tokens as the core's.

    Import the handlers inside the hook: it is called in web processes only, and a worker then does without the web
    framework. They take and give msgspec Structs, dataclasses or typed dicts; models of pydantic or attrs, too, if the
    plugin's distribution requires either.

    A handler may ask for `access` (which chatbots the token sees, and whether it may write) and `listing` (`limit`,
    `offset`, `chatbot`, `busca`, `ordem`). A token that may only read is refused before the handler is called. Whatever
    a handler returns about a chatbot must be checked with `access.sees(chatbot)`; `listing.page` does that by itself.
    Routes are mounted for every installed plugin that works, whether or not a bot has it switched on.
    """


@_hook(Privacy, since="1.0")
def wabot_privacy() -> Privacy:  # type: ignore[empty-body]
    """What the plugin's tables hold about a person, handed over or erased when the person asks (LGPD).

    A plugin that fails here keeps the whole from being done: an erasure with a gap is none.
    """
