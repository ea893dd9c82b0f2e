"""What was said in the old system, as history: nothing of it is answered, and nothing is sent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, get_args

import msgspec

from wabot.db.engine import DB
from wabot.legacy.source import Row
from wabot.legacy.taking import Legacy, LegacyKind
from wabot.legacy.values import Unfit, document, words
from wabot.message import TEXT_LIMIT, Kind, TextMessage
from wabot.outbox import encode
from wabot.phone import canonical, international

UNSENT = "não chegou a ser enviada"
KINDS = {kind: kind for kind in get_args(Kind)} | {"interactive": "tap", "button": "tap"}
"""Meta's types by our names, where the two differ as the old system had them."""

CONVERSAS = """
SELECT value, conversa.id FROM identifier JOIN cliente ON cliente.id = identifier.cliente
JOIN conversa ON conversa.cliente = coalesce(mesclado_em, cliente.id)
WHERE identifier.chatbot = $1 AND kind = 'wa_id' AND value = ANY ($2)
"""
# `guardada`: kept, and nobody's to answer.
HEARD = """
INSERT INTO inbox (chatbot, conversa, wamid, kind, sent_at, raw, state, received_at, done_at)
VALUES ($1, $2, $3, $4, $5, $6, 'guardada', $5, $5)
ON CONFLICT (chatbot, wamid) DO UPDATE SET wamid = excluded.wamid RETURNING id
"""
# `enviada`, whatever came of it: only that is never sent again, by nobody.
SAID = """
INSERT INTO outbox (chatbot, conversa, content, state, wamid, created_at, sent_at)
VALUES ($1, $2, $3, 'enviada', $4, $5, $5) RETURNING id
"""
SPOKE_LAST = """
UPDATE conversa SET last_inbound_at = greatest(last_inbound_at, told.at)
FROM (
    SELECT conversa, max(at) AS at FROM unnest($1::bigint[], $2::timestamptz[]) AS heard (conversa, at)
    GROUP BY conversa
) AS told WHERE id = told.conversa
"""


class Message(NamedTuple):
    phone_key: str
    wamid: str
    at: datetime
    inbound: bool
    kind: str
    content: dict[str, Any]


def mensagem_kind(old: Legacy) -> LegacyKind:
    """Both directions. What never left the old system is left there."""

    def read(row: Row, _: int) -> Message:
        inbound = row["direcao"] == "E"
        if not inbound and row["status"] != "enviada":
            raise Unfit(UNSENT)
        return Message(
            canonical(international(words(row["telefone"], 40))),
            words(row["wamid"], 200) or (f"legado-{row['id']}" if inbound else ""),
            old.moment(row["criada_em"]),
            inbound,
            KINDS.get(row["tipo"], "unknown"),
            document(row["conteudo"]),
        )

    return LegacyKind(
        name="mensagem",
        table="chatbots_mensagem",
        chatbots=lambda row: [old.chatbot(row["chatbot_id"])],
        read=read,
        write=_write,
        many=True,
    )


async def _write(items: Sequence[tuple[int, Message]]) -> list[int | Unfit]:
    conversas = await _conversas(items)
    written: list[int | Unfit] = []
    heard: list[tuple[int, datetime]] = []
    for chatbot, message in items:
        if conversa := conversas.get((chatbot, message.phone_key)):
            written.append(await _store(chatbot, conversa, message))
            if message.inbound:
                heard.append((conversa, message.at))
        else:
            written.append(Unfit("o telefone não é de nenhum cliente importado"))
    if heard:
        await DB.execute(SPOKE_LAST, *map(list, zip(*heard, strict=True)))
    return written


async def _conversas(items: Sequence[tuple[int, Message]]) -> dict[tuple[int, str], int]:
    phones: dict[int, set[str]] = {}
    for chatbot, message in items:
        phones.setdefault(chatbot, set()).add(message.phone_key)
    return {
        (chatbot, row["value"]): row["id"]
        for chatbot, keys in phones.items()
        for row in await DB.fetch(CONVERSAS, chatbot, list(keys))
    }


async def _store(chatbot: int, conversa: int, message: Message) -> int:
    if message.inbound:
        raw = msgspec.json.encode(message.content)
        return int(await DB.fetchval(HEARD, chatbot, conversa, message.wamid, message.kind, message.at, raw))
    [content] = encode([TextMessage(_text(message.content))])
    return int(await DB.fetchval(SAID, chatbot, conversa, content, message.wamid or None, message.at))


def _text(body: dict[str, Any]) -> str:
    """The words of what was posted to Meta: of buttons and lists the question, of the rest what it was."""
    kind = str(body.get("type", ""))
    part = body.get(kind)
    if isinstance(part, dict):
        inner = part.get("body")
        text = inner.get("text") if isinstance(inner, dict) else inner or part.get("caption")
        if isinstance(text, str) and text:
            return words(text, TEXT_LIMIT)
    return f"[{words(kind, 40) or 'mensagem'}]"
