"""What a business is told about each plugin: what it does, whether it is on, how it does, what stands in its way."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from wabot import texts
from wabot.chatbots import ChatbotOut
from wabot.db.engine import DB
from wabot.db.pending import pending
from wabot.plugins import bindings
from wabot.plugins.bindings import Binding
from wabot.plugins.catalogue import Entry, catalogue
from wabot.plugins.conflicts import conflicts
from wabot.plugins.descriptor import Descriptor
from wabot.process import Process

KINDS = {
    "flow": "conversa com clientes",
    "override": "muda etapas de outra conversa",
    "filter": "lê as mensagens antes das conversas",
    "job": "tarefas com hora marcada",
    "sink": "acompanha o que acontece",
    "campaign": "campanhas",
    "tables": "guarda dados próprios",
    "pages": "página no painel",
    "routes": "API",
}
"""The kinds of `wabot plugins list`, in plain words."""

CANNOT = {
    "broken": "Está com defeito nesta instalação. Avise quem cuida dela; o motivo está nos detalhes técnicos.",
    "incompatible": "Foi feito para outra versão do wabot. Quem cuida da instalação precisa atualizar um dos dois.",
    "orphaned": "Está ligado, mas foi desinstalado. Peça a quem cuida da instalação que o instale de novo, "
    "ou desligue-o aqui.",
}
NEW = "Foi instalado depois que o wabot começou. Peça a quem cuida da instalação que o reinicie."
NO_TABLES = (
    "Faltam as tabelas dele no banco de dados. Peça a quem cuida da instalação que rode: wabot migrate"
)

HEALTH = "SELECT plugin, part, error, since FROM plugin_health WHERE chatbot = $1 AND NOT ok ORDER BY since"


class Trouble(msgspec.Struct, frozen=True):
    """Something that does not work now."""

    what: str
    since: datetime | None = None
    heard: str = ""
    """What customers read meanwhile; empty: they notice nothing."""
    details: str = ""
    """For whoever looks after the installation."""


class Card(msgspec.Struct, frozen=True):
    """One plugin, as one chatbot has it."""

    entry: Entry
    kinds: tuple[str, ...] = ()
    enabled: bool = False
    priority: int = 0
    troubles: tuple[Trouble, ...] = ()
    obstacles: tuple[str, ...] = ()
    """Why it cannot be switched on now, each with what to do about it."""

    @property
    def id(self) -> str:
        return self.entry.id

    @property
    def about(self) -> Descriptor:
        return self.entry.descriptor

    @property
    def idle(self) -> bool:
        """It works, and does nothing in this release."""
        return self.entry.status == "ok" and not self.about.hooks


async def cards(process: Process, chatbot: ChatbotOut) -> dict[str, Card]:
    """All plugins by id: those that are on as they are asked, then the others by title."""
    bound = await bindings.of_chatbot(chatbot.id)
    on = [plugin for plugin, binding in bound.items() if binding.enabled]
    # of those that are not installed any more, another business's are nobody's concern here
    known = {
        plugin: entry
        for plugin, entry in (await catalogue()).items()
        if entry.status != "orphaned" or plugin in on
    }
    running = {known[plugin].title: known[plugin] for plugin in on if plugin in known}
    faults, lacking = await _faults(chatbot.id, known), await _lacking(known.values())

    def card(plugin: str) -> Card:
        entry = known[plugin]
        loaded = plugin in process.registry.plugins
        obstacles = _obstacles(entry, running, lacking, loaded)
        return _card(entry, bound.get(plugin), faults.get(plugin, []), obstacles)

    off = sorted(known.keys() - on, key=lambda plugin: known[plugin].title.casefold())
    return {plugin: card(plugin) for plugin in [*filter(known.__contains__, on), *off]}


def _card(
    entry: Entry, binding: Binding | None, faults: Iterable[Trouble], obstacles: tuple[str, ...]
) -> Card:
    enabled = binding is not None and binding.enabled
    kinds = tuple(KINDS.get(kind, kind) for kind in entry.descriptor.kinds)
    troubles = list(faults) if enabled and entry.status == "ok" else []
    if entry.status != "ok":
        heard = texts.FORA_DO_AR if enabled and entry.descriptor.flows else ""
        troubles.append(Trouble(CANNOT[entry.status], heard=heard, details=entry.error))
    priority = binding.priority if binding else 0
    return Card(entry, kinds, enabled, priority, tuple(troubles), () if enabled else obstacles)


def _obstacles(entry: Entry, on: Mapping[str, Entry], lacking: set[str], loaded: bool) -> tuple[str, ...]:
    if entry.status != "ok":
        return (CANNOT[entry.status],)
    if not loaded:
        return (NEW,)
    if lacking & {f"{app} {name}" for app, name in entry.descriptor.migrations}:
        return (NO_TABLES,)
    others = {title: other.descriptor for title, other in on.items()}
    return tuple(f"{why[:1].upper()}{why[1:]}." for why in conflicts(entry.title, entry.descriptor, others))


async def _faults(chatbot: int, known: Mapping[str, Entry]) -> dict[str, list[Trouble]]:
    """What the breakers wrote down, plugin by plugin."""
    found: dict[str, list[Trouble]] = {}
    for row in await DB.fetch(HEALTH, chatbot):
        entry = known.get(row["plugin"])
        talks = bool(entry and entry.descriptor.flows and not row["part"])
        what = f"A parte “{row['part']}” está pausada por falhas" if row["part"] else "Pausado por falhas"
        found.setdefault(row["plugin"], []).append(
            Trouble(what, row["since"], texts.FORA_DO_AR if talks else "", row["error"])
        )
    return found


async def _lacking(entries: Iterable[Entry]) -> set[str]:
    """The migrations that have not run yet, of all plugins."""
    return set(await pending(migration for entry in entries for migration in entry.descriptor.migrations))
