"""What becomes of the old system's rows: its chatbots and what serves them, its clientes, its messages."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from wabot import chatbots, clientes, consent
from wabot.chatbots import ChatbotIn
from wabot.db.engine import DB
from wabot.errors import WabotError, WrongFields
from wabot.legacy.source import Row
from wabot.legacy.taking import NOT_YET, Legacy, LegacyKind
from wabot.legacy.values import Unfit, words
from wabot.plugins import bindings
from wabot.plugins.catalogue import Entry
from wabot.plugins.registry import Plugin, Registry
from wabot.vault import Vault

HOW = "importação do sistema antigo"
NOBODYS = "nunca conversou nem pediu, e não se sabe de qual chatbot é"
SPOKE = """
SELECT DISTINCT cliente_id, chatbot_id FROM chatbots_conversa
UNION SELECT DISTINCT cliente_id, chatbot_id FROM pedidos_pedido
"""

SAME_NUMBER = "SELECT id FROM chatbot WHERE phone_number_id = $1"
BINDING = "SELECT id FROM plugin_binding WHERE chatbot = $1 AND plugin = $2"
SAME_PERSON = """
SELECT cliente.id FROM cliente JOIN identifier ON identifier.cliente = cliente.id
WHERE identifier.chatbot = $1 AND kind = 'wa_id' AND value = $2
"""
ADD_PERSON = """
INSERT INTO cliente (chatbot, nome, telefone, wa_id, phone_key, email, ativo, observacoes, criado_em)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id
"""
COLUMNS = ("nome", "telefone", "wa_id", "phone_key", "email", "ativo", "observacoes", "criado_em")


class Available(NamedTuple):
    """What may serve the chatbots here."""

    registry: Registry
    catalogue: Mapping[str, Entry]
    vault: Vault


def chatbot_kind(old: Legacy, vault: Vault, timezone: str) -> LegacyKind:
    """A number that is here already keeps what it is here."""

    def read(row: Row, _: int) -> ChatbotIn:
        given = {name: words(row.get(name), 4000) for name in ChatbotIn.__struct_fields__ if name in row}
        if not given.get("nome") or not given.get("phone_number_id"):
            raise Unfit("não tem nome ou phone_number_id")
        given = {"numero": "", "business_account_id": "", "timezone": timezone} | given
        return ChatbotIn(**given | {"ativo": bool(row.get("ativo", True))})  # type: ignore[arg-type]

    async def write(items: Sequence[tuple[int, ChatbotIn]]) -> list[int | Unfit]:
        return [
            await DB.fetchval(SAME_NUMBER, new.phone_number_id) or (await chatbots.add(new, vault)).id
            for _, new in items
        ]

    return LegacyKind(
        name="chatbot", table="chatbots_chatbot", chatbots=lambda _: [NOT_YET], read=read, write=write
    )


def etapa_kind(old: Legacy, available: Available) -> LegacyKind:
    """An etapa's handler path names the plugin that serves it here: `chatbots.handlers.pedidos.InicioHandler`.

    The plugin is switched on for the chatbot, unless somebody here has decided about that already.
    """
    plugins = available.registry.plugins

    def read(row: Row, _: int) -> Plugin:
        path = str(row.get("handler_path") or "")
        found = next((plugins[part] for part in reversed(path.split(".")) if part in plugins), None)
        if found is None:
            raise Unfit(f"nenhum plugin instalado corresponde a {path!r}")
        if not any(row.get("codigo") in flow.etapas for flow in found.declared.flows):
            raise Unfit(f"o plugin {found.id} não tem a etapa {row.get('codigo')!r}")
        return found

    async def write(items: Sequence[tuple[int, Plugin]]) -> list[int | Unfit]:
        return [await switch_on(chatbot, plugin) for chatbot, plugin in items]

    async def switch_on(chatbot: int, plugin: Plugin) -> int | Unfit:
        if not (binding := await DB.fetchval(BINDING, chatbot, plugin.id)):
            try:
                await bindings.enable(chatbot, plugin, {}, available.vault, available.catalogue)
            except WabotError as why:
                return Unfit(str(why))
            binding = await DB.fetchval(BINDING, chatbot, plugin.id)
        return int(binding)

    return LegacyKind(
        name="etapa",
        table="chatbots_etapa",
        chatbots=lambda row: [old.chatbot(row["chatbot_id"])],
        read=read,
        write=write,
    )


async def who_serves(old: Legacy) -> None:
    """Note by which plugins the chatbots of the old system are served, this run or an earlier one."""
    for chatbot in old.chatbots.values():
        old.using[chatbot] = set(await bindings.of_chatbot(chatbot))


async def cliente_kind(old: Legacy) -> LegacyKind:
    """A cliente of the old system belonged to nobody: here to each chatbot they have talked to or ordered from."""
    spoke: dict[int, list[int]] = {}
    if {"chatbots_conversa", "pedidos_pedido"} <= await old.source.tables():
        for row in await old.source.fetch(SPOKE):
            if row["chatbot_id"] in old.chatbots:
                spoke.setdefault(row["cliente_id"], []).append(old.chatbot(row["chatbot_id"]))

    def whose(row: Row) -> Iterable[int]:
        if row.get("chatbot_id"):
            return [old.chatbot(row["chatbot_id"])]
        if found := spoke.get(row["id"]):
            return found
        if len(old.chatbots) == 1:
            return old.chatbots.values()
        raise Unfit(NOBODYS)

    def read(row: Row, _: int) -> dict[str, Any]:
        try:
            columns = clientes.written({"telefone": words(row.get("telefone"), 40)})
        except WrongFields as error:
            raise Unfit(error.fields["telefone"]) from None
        if not columns["phone_key"]:
            raise Unfit("não tem um telefone que o WhatsApp possa ter")
        return {
            "nome": words(row.get("nome"), 200),
            **columns,
            "email": words(row.get("email"), 254),
            "ativo": bool(row.get("ativo", True)),
            "observacoes": words(row.get("observacoes"), 4000),
            "criado_em": old.moment(row.get("criado_em")),
            "aceita": bool(row.get("aceita_marketing")),
        }

    return LegacyKind(
        name="cliente", table="clientes_cliente", chatbots=whose, read=read, write=_write_clientes
    )


async def _write_clientes(items: Sequence[tuple[int, dict[str, Any]]]) -> list[int]:
    """Who is here already, with or without the ninth digit, stays as they are."""
    ids, agreed = [], []
    for chatbot, person in items:
        known = await DB.fetchval(SAME_PERSON, chatbot, person["phone_key"])
        ids.append(known or await DB.fetchval(ADD_PERSON, chatbot, *(person[name] for name in COLUMNS)))
        if person["aceita"] and not known:
            agreed.append(ids[-1])
    if agreed:
        await consent.told(agreed, accepts=True, how=HOW)
    return ids
