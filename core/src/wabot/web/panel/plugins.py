"""`/painel/{chatbot}/plugins/`: what a chatbot can do, each plugin with its switch and its configuration."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect, Template
from markupsafe import Markup

from wabot.chatbots import ChatbotOut
from wabot.people import Person
from wabot.plugins import bindings, drawing
from wabot.plugins.bindings import Binding, Conflict
from wabot.plugins.catalogue import catalogue
from wabot.plugins.configs import BadConfig, Stored, read, secrets_of
from wabot.plugins.fields import Field, fields_of
from wabot.process import Process
from wabot.web.panel import forms
from wabot.web.panel.cards import Card, cards
from wabot.web.panel.forms import Typed, sent
from wabot.web.panel.frame import page
from wabot.web.panel.guards import needs
from wabot.web.panel.places import chat_address

AnyRequest = Request[Person, Any, Any]

CONFIG = "config."
"""Before the names of inputs that belong to the plugin, so that none of them can be one of ours."""
PRIORITY, ACTION = "ordem", "acao"
ADD, REMOVE = "mais:", "menos:"
WHOLE = ""
"""Where an error stands that is about no field in particular."""
DONE = {
    "ligado": "Ligado.",
    "desligado": "Desligado. A configuração e os dados ficam guardados.",
    "salvo": "Salvo.",
}


@get("/plugins/")
async def plugins(
    request: AnyRequest,
    process: NamedDependency[Process],
    chatbot: NamedDependency[ChatbotOut],
    feito: Annotated[str, QueryParameter(max_length=20)] = "",
) -> Template:
    """A card for every installed plugin."""
    return await _list(request, process, chatbot, done=DONE.get(feito, ""))


@get("/plugins/{plugin:str}/")
async def one_plugin(
    request: AnyRequest,
    process: NamedDependency[Process],
    chatbot: NamedDependency[ChatbotOut],
    plugin: FromPath[str],
    feito: Annotated[str, QueryParameter(max_length=20)] = "",
) -> Template:
    """One plugin: how it does, what can be set, where its conversation leads."""
    sheet = await _sheet(process, chatbot, plugin)
    return _page(request, process, chatbot, sheet, sheet.typed, done=DONE.get(feito, ""))


@post("/plugins/{plugin:str}/", guards=[needs("dono")], status_code=200)
async def save(
    request: AnyRequest,
    process: NamedDependency[Process],
    chatbot: NamedDependency[ChatbotOut],
    plugin: FromPath[str],
) -> Template | Redirect:
    """Keep the form and switch the plugin on; or, with one of its small buttons, only add or take away a row."""
    sheet = await _sheet(process, chatbot, plugin)
    typed = await sent(request)
    if change := _rows(sheet, typed):
        if "hx-request" in request.headers:  # the script keeps what was typed into secrets where it is
            typed = {name: words for name, words in typed.items() if name not in _secrets(sheet.fields)}
        return _page(request, process, chatbot, sheet, typed, focus=change)
    found = forms.read(sheet.fields, typed, CONFIG)
    priority, errors = _priority(typed), dict(found.errors)
    if priority is None:
        errors[PRIORITY] = "Escreva um número inteiro de -1000 a 1000."
    if not errors:
        errors = await _enable(process, chatbot, plugin, found.values, priority)
    if errors:
        return _page(request, process, chatbot, sheet, typed, 400, errors=errors)
    done = "salvo" if sheet.card.enabled else "ligado"
    return Redirect(f"/painel/{chatbot.id}/plugins/{plugin}/?feito={done}", status_code=303)


@post("/plugins/{plugin:str}/ligar/", guards=[needs("dono")])
async def switch_on(
    request: AnyRequest,
    process: NamedDependency[Process],
    chatbot: NamedDependency[ChatbotOut],
    plugin: FromPath[str],
) -> Template | Redirect:
    """With the configuration it has."""
    if errors := await _enable(process, chatbot, plugin, {}):
        return await _list(request, process, chatbot, 409, failed=plugin, why="; ".join(errors.values()))
    return Redirect(f"/painel/{chatbot.id}/plugins/?feito=ligado#{plugin}", status_code=303)


@post("/plugins/{plugin:str}/desligar/", guards=[needs("dono")])
async def switch_off(
    process: NamedDependency[Process], chatbot: NamedDependency[ChatbotOut], plugin: FromPath[str]
) -> Redirect:
    """Its configuration and data stay. One that is not installed any more can be switched off, too."""
    if not await bindings.disable(chatbot.id, plugin):
        raise NotFoundException
    await process.runtimes.load()
    return Redirect(f"/painel/{chatbot.id}/plugins/?feito=desligado#{plugin}", status_code=303)


handlers = [plugins, one_plugin, save, switch_on, switch_off]


class Sheet(msgspec.Struct, frozen=True):
    """What the page of one plugin is made from."""

    card: Card
    fields: tuple[Field, ...] = ()
    typed: Typed = {}
    """The form as what is stored fills it."""
    secrets: frozenset[str] = frozenset()
    """The names of the inputs whose secret is set."""
    usable: bool = False
    """It is loaded here: it can be configured."""


async def _sheet(process: Process, chatbot: ChatbotOut, plugin: str) -> Sheet:
    card = (await cards(process, chatbot)).get(plugin)
    if card is None:
        raise NotFoundException
    loaded = process.registry.plugins.get(plugin)
    if loaded is None or card.entry.status != "ok":
        return Sheet(card)
    binding = (await bindings.of_chatbot(chatbot.id)).get(plugin)
    typed: Typed = {PRIORITY: [str(card.priority)]}
    config = loaded.declared.config
    if config is None:
        return Sheet(card, typed=typed, usable=True)
    fields = fields_of(config.shape)
    values = _values(process, binding, config)
    given = frozenset(f"{CONFIG}{name}" for name in secrets_of(config.shape) if values.get(name))
    return Sheet(card, fields, typed | forms.filled(fields, values, CONFIG), given, usable=True)


def _values(process: Process, binding: Binding | None, config: Any) -> dict[str, Any]:
    """The configuration as JSON holds it, by the names of the fields."""
    instance = read(config, binding.stored if binding else Stored(), process.vault)
    return {
        field.name: msgspec.to_builtins(getattr(instance, field.name))
        for field in msgspec.structs.fields(config.shape)
    }


def _rows(sheet: Sheet, typed: Typed) -> str:
    """Do what a button of a list asks for. Gives what to focus then; empty if it was another button."""
    action = typed.pop(ACTION, [""])[-1]
    if action.startswith(f"{ADD}{CONFIG}"):
        path = action.removeprefix(ADD)
        return forms.add_row(sheet.fields, typed, path, CONFIG) or path
    if action.startswith(f"{REMOVE}{CONFIG}"):
        row = action.removeprefix(REMOVE)
        forms.remove_row(typed, row)
        return row.rpartition(".")[0]
    return ""


def _secrets(fields: Sequence[Field]) -> set[str]:
    return {CONFIG + field.name for field in fields if field.kind == "secret"}


def _priority(typed: Typed) -> int | None:
    words = typed.get(PRIORITY, [""])[-1].strip()
    try:
        number = int(words[:10])
    except ValueError:
        return None
    return number if -1000 <= number <= 1000 else None


async def _enable(
    process: Process,
    chatbot: ChatbotOut,
    plugin: str,
    values: Mapping[str, Any],
    priority: int | None = None,
) -> dict[str, str]:
    """Switch it on by the rules of the command line. Gives what is wrong, by the name of the input, if it did not.

    This process knows at once; the others hear of it.
    """
    loaded, known = process.registry.plugins.get(plugin), await catalogue()
    if loaded is None or plugin not in known or known[plugin].status != "ok":
        return {WHOLE: "Este plugin não pode ser ligado nesta instalação agora."}
    try:
        await bindings.enable(chatbot.id, loaded, values, process.vault, known, priority)
    except BadConfig as error:
        return {f"{CONFIG}{name}" if name in values else WHOLE: why for name, why in error.fields.items()}
    except Conflict as error:
        return {WHOLE: str(error)}
    await process.runtimes.load()
    return {}


async def _list(
    request: AnyRequest,
    process: Process,
    chatbot: ChatbotOut,
    status: int = 200,
    *,
    done: str = "",
    failed: str = "",
    why: str = "",
) -> Template:
    found = await cards(process, chatbot)
    return page(
        request, "plugins.html", status, cards=found.values(), may_change=_may_change(request, chatbot),
        done=done, failed=found.get(failed), why=why, talk=_talk(process, chatbot),
    )  # fmt: skip


def _page(
    request: AnyRequest,
    process: Process,
    chatbot: ChatbotOut,
    sheet: Sheet,
    typed: Typed,
    status: int = 200,
    *,
    errors: Mapping[str, str] | None = None,
    focus: str = "",
    done: str = "",
) -> Template:
    errors = errors or {}
    flows = sheet.card.about.flows
    return page(
        request, "plugin.html", status, card=sheet.card, fields=sheet.fields, typed=typed, secrets=sheet.secrets,
        usable=sheet.usable, errors=errors, focus=focus or next(filter(None, errors), ""), done=done,
        may_change=_may_change(request, chatbot), flows=flows, talk=_talk(process, chatbot, _words(flows)),
        drawings={flow.id: Markup(drawing.svg(flow.graph, alone=False)) for flow in flows},  # noqa: S704 - escapes
        rows_of=forms.rows_of, leads=drawing.leads, title_of=lambda name: _title(sheet.fields, name),
    )  # fmt: skip


def _title(fields: Sequence[Field], name: str) -> str:
    return "Ordem de atendimento" if name == PRIORITY else forms.title_of(fields, name.removeprefix(CONFIG))


def _may_change(request: AnyRequest, chatbot: ChatbotOut) -> bool:
    return request.user.may(chatbot.id, "dono")


def _words(flows: Sequence[Any]) -> str:
    return next((word for flow in flows for word in flow.keywords), "oi")


def _talk(process: Process, chatbot: ChatbotOut, words: str = "oi") -> str:
    return chat_address(process.settings.graph_api_url, chatbot.numero, words)
