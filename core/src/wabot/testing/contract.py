"""What every flow has to withstand, whatever it is about: held against each flow that needs no database."""

import asyncio
import os
from collections.abc import Iterator
from typing import Any

import msgspec

from wabot.flow import Flow
from wabot.message import Kind, Outbound
from wabot.plugins.check.finding import Finding, error, info
from wabot.plugins.check.project import Project
from wabot.plugins.declared import Declared
from wabot.plugins.places import place_of, place_of_error
from wabot.testing.chat import Chat
from wabot.turn import State
from wabot.upgrade import Left, resume
from wabot.whatsapp.render import render

SENT: dict[str, tuple[Kind, str]] = {
    "uma foto": ("image", ""),
    "um emoji": ("text", "👍"),
    "5.000 letras": ("text", "a" * 5_000),
    "um texto vazio": ("text", ""),
}
DATABASE = (f"wabot{os.sep}db{os.sep}engine.py", f"piccolo{os.sep}engine{os.sep}")
"""Parts of the paths of what a flow meets when it asks a database that is not there."""


class _Listener(Chat):
    """A chat in which every reply is read, as WhatsApp would get it."""

    async def hear(self, kind: Kind, text: str) -> list[Outbound]:
        """Say something and take what comes back. Raises ValueError for a reply that WhatsApp would refuse."""
        await self._send(kind, text, shown=text)
        replies = list(self._unread)
        self._unread.clear()
        for reply in replies:
            render(reply, to="5511900000001", media_id="1")
        return replies


def check(project: Project, declared: Declared) -> Iterator[Finding]:
    """Every flow by itself, with the plugin's default configuration."""
    config = declared.config.shape() if declared.config else None
    for flow in declared.flows:
        yield from asyncio.run(_flow(flow, config, project.package))


async def _flow(flow: Flow[Any], config: Any, package: str) -> list[Finding]:
    """The greeting first: if the flow cannot take that, the rest would only say it again."""
    place = place_of(flow.etapas[flow.first])
    chat = _Listener(flow, config=config)
    if found := await _hears(chat, flow, "oi", "text", "oi", package):
        return [found]
    after, findings = chat.state, _kept(flow, chat.state, place)
    for what, (kind, text) in SENT.items():
        chat = _Listener(flow, config=config, state=after)
        if found := await _hears(chat, flow, what, kind, text, package):
            findings.append(found)
    return findings


async def _hears(
    chat: _Listener, flow: Flow[Any], what: str, kind: Kind, text: str, package: str
) -> Finding | None:
    place = place_of(flow.etapas[chat.state.etapa or flow.first])
    try:
        replies = await chat.hear(kind, text)
    except SystemExit as fault:
        said = f"O fluxo {flow.id} chama sys.exit() quando o cliente manda {what}."
        return error("contract-raises", said, place_of_error(fault, package) or place, "devolva End(…)")
    except Exception as fault:  # noqa: BLE001 - the plugin's own, or what the engine does not accept of it
        if _needs_database(fault):
            said = f"O fluxo {flow.id} usa o banco de dados; não foi posto à prova aqui."
            return info("contract-skipped", said, place, "teste-o com Chat(…, doubles={…})")
        if theirs := place_of_error(fault, package):
            said = f"O fluxo {flow.id} falha quando o cliente manda {what}: {type(fault).__name__}: {fault}."
            return error("contract-raises", said, theirs)
        said = f"O que o fluxo {flow.id} responde a {what} não pode ser enviado: {fault}."
        return error("contract-reply", said, place)
    if replies:
        return None
    said = f"O fluxo {flow.id} não responde nada quando o cliente manda {what}."
    return error("contract-silent", said, place, "devolva Choose, Ask, End ou Handover com um texto")


def _kept(flow: Flow[Any], state: State, place: str) -> list[Finding]:
    """What is stored after a turn is all that the next one has."""
    if not state.flow:
        return []
    found = resume(flow, Left(state.etapa, state.version, state.data))
    if found.fate == "continues" and msgspec.json.encode(found.data) == state.data:
        return []
    why = found.why or "lido de novo, o que foi guardado é outra coisa"
    said = (
        f"Os dados do fluxo {flow.id} não podem ser guardados e lidos de novo na etapa {state.etapa}: {why}."
    )
    return [
        error(
            "contract-state",
            said,
            place_of(flow.data) or place,
            "use tipos que o msgspec codifica e decodifica",
        )
    ]


def _needs_database(fault: BaseException) -> bool:
    """Told by where it was raised: the words differ with the driver."""
    trace = fault.__traceback__
    while trace is not None:
        if any(part in trace.tb_frame.f_code.co_filename for part in DATABASE):
            return True
        trace = trace.tb_next
    return _needs_database(fault.__cause__) if fault.__cause__ else False
