"""Where the core keeps what it knows of a person, kind by kind: the one list that is counted and erased by."""

from wabot.db.engine import DB
from wabot.privacy.subject import Subject

# $1: the conversas, $2: the clientes. What waits and what is over have an index each.
RECEIVED = "(conversa = ANY ($1) AND state = 'pendente') OR (conversa = ANY ($1) AND state <> 'pendente')"
SENT = (
    "(conversa = ANY ($1) AND state IN ('pendente', 'enviando'))"
    " OR (conversa = ANY ($1) AND state IN ('enviada', 'falhou'))"
)
PLACES = {
    "clientes": ("cliente", "id = ANY ($2)"),
    "identificadores": ("identifier", "cliente = ANY ($2)"),
    "mesclas": ("cliente_merge", "survivor = ANY ($2) OR absorbed = ANY ($2)"),
    "consentimentos": ("consent", "cliente = ANY ($2)"),
    "campanhas": ("campaign_send", "cliente = ANY ($2)"),
    "mensagens_recebidas": ("inbox", RECEIVED),
    "mensagens_enviadas": ("outbox", SENT),
    "mensagens_canceladas": ("outbox", "conversa = ANY ($1) AND state IN ('pendente', 'enviando')"),
    "arquivos": ("media", "conversa = ANY ($1)"),
    "acontecimentos": ("event", "conversa = ANY ($1)"),
}

_NUMBER = "(SELECT count(*) FROM {1} WHERE {2}) AS {0}"
COUNT = "SELECT $1::bigint[], $2::bigint[], " + ", ".join(
    _NUMBER.format(k, *place) for k, place in PLACES.items()
)


async def count(subject: Subject) -> dict[str, int]:
    """How many rows of each kind are about the subject."""
    row = await DB.fetchrow(COUNT, subject.conversas, subject.clientes)
    return {kind: row[kind] for kind in PLACES}
