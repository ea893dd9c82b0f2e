"""The core's rows as Piccolo sees them. The queue-like tables (inbox, outbox, receipt…) are SQL only: see queries."""

from enum import StrEnum

from piccolo.columns import (
    JSON,
    Array,
    BigInt,
    BigSerial,
    Boolean,
    Bytea,
    ForeignKey,
    Integer,
    Serial,
    Text,
    Timestamptz,
)
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from wabot.db.engine import DB


class Chatbot(Table, db=DB, tablename="chatbot"):
    """A company's number on WhatsApp. The three secrets are encrypted: see wabot.vault."""

    id = Serial(primary_key=True)
    nome = Text()
    numero = Text()
    phone_number_id = Text(unique=True)
    business_account_id = Text()
    access_token = Text(secret=True)
    app_secret = Text(secret=True)
    verify_token = Text(secret=True)
    timezone = Text()
    throughput = Integer(default=80)
    ativo = Boolean(default=True)
    criado_em = Timestamptz(default=TimestamptzNow())
    atualizado_em = Timestamptz(default=TimestamptzNow(), auto_update=TimestamptzNow().python)


class Cliente(Table, db=DB, tablename="cliente"):
    """A customer of one chatbot: by phone, by business-scoped user id, or both."""

    id = BigSerial(primary_key=True)
    chatbot = ForeignKey(Chatbot)
    nome = Text()
    telefone = Text()
    wa_id = Text(null=True, default=None)
    phone_key = Text(null=True, default=None)
    bsuid = Text(null=True, default=None)
    parent_bsuid = Text(null=True, default=None)
    wa_id_proved = Boolean(default=False)
    mesclado_em = BigInt(null=True, default=None)
    email = Text()
    ativo = Boolean(default=True)
    aceita_marketing = Boolean(default=False)
    observacoes = Text()
    criado_em = Timestamptz(default=TimestamptzNow())
    atualizado_em = Timestamptz(default=TimestamptzNow(), auto_update=TimestamptzNow().python)


class Conversa(Table, db=DB, tablename="conversa"):
    """Where a cliente stands in the bot's flow."""

    id = BigSerial(primary_key=True)
    chatbot = ForeignKey(Chatbot)
    cliente = ForeignKey(Cliente)
    flow = Text()
    etapa = Text()
    version = Integer()
    data = JSON()
    misses = Integer()
    person = Boolean()
    last_inbound_at = Timestamptz(null=True)


class Missed(StrEnum):
    """What becomes of a due time long past, the machine having been off."""

    RUN = "run"
    SKIP = "skip"


class PluginBinding(Table, db=DB, tablename="plugin_binding"):
    """A plugin as a person switched it on or off for one chatbot, with its configuration."""

    id = Serial(primary_key=True)
    chatbot = ForeignKey(Chatbot)
    plugin = Text()
    enabled = Boolean(default=True)
    config = JSON()
    priority = Integer()
    criado_em = Timestamptz(default=TimestamptzNow())
    atualizado_em = Timestamptz(default=TimestamptzNow(), auto_update=TimestamptzNow().python)


class Agendamento(Table, db=DB, tablename="agendamento"):
    """Work at fixed times: a job or campaign of a plugin on one chatbot, or of the core (no chatbot)."""

    id = Serial(primary_key=True)
    chatbot = ForeignKey(Chatbot, null=True)
    plugin = Text()
    job = Text()
    titulo = Text()
    cron = Text()
    timezone = Text(null=True, default=None)
    enabled = Boolean(default=True)
    next_run = Timestamptz(null=True, default=None)
    last_run = Timestamptz(null=True, default=None)
    last_due = Timestamptz(null=True, default=None)
    last_ok = Boolean(null=True, default=None)
    last_result = Text(null=True, default=None)
    missed = Text(default="run", choices=Missed)
    arguments = JSON()
    asked_at = Timestamptz(null=True, default=None)
    planned_at = Timestamptz(null=True, default=None)


class Papeis(StrEnum):
    """Each may do what the ones after it may."""

    DONO = "dono"
    OPERADOR = "operador"
    LEITOR = "leitor"


class Pessoa(Table, db=DB, tablename="pessoa"):
    """Somebody who may enter the panel. Passwords are set through wabot.people only."""

    id = Serial(primary_key=True)
    email = Text(unique=True)
    senha = Text(secret=True)
    superuser = Boolean(default=False)
    ativo = Boolean(default=True)
    criado_em = Timestamptz(default=TimestamptzNow())
    atualizado_em = Timestamptz(default=TimestamptzNow(), auto_update=TimestamptzNow().python)
    entrou_em = Timestamptz(null=True, default=None)


class Papel(Table, db=DB, tablename="papel"):
    """What a person may do on one chatbot: see wabot.people."""

    id = Serial(primary_key=True)
    pessoa = ForeignKey(Pessoa)
    chatbot = ForeignKey(Chatbot)
    papel = Text(choices=Papeis)


class ApiToken(Table, db=DB, tablename="api_token"):
    """Who may use the REST API. Only a digest is kept: the token is shown once."""

    id = Serial(primary_key=True)
    nome = Text()
    digest = Bytea(secret=True)
    chatbots = Array(Integer(), null=True, default=None)
    escrita = Boolean()
    criado_por = ForeignKey(Pessoa, null=True)
    criado_em = Timestamptz(default=TimestamptzNow())
    usado_em = Timestamptz(null=True)
    revogado_em = Timestamptz(null=True)


class Auditoria(Table, db=DB, tablename="auditoria"):
    """Who changed what. The database lets nobody change or delete a row: see wabot.audit."""

    id = BigSerial(primary_key=True)
    em = Timestamptz(default=TimestamptzNow())
    quem_tipo = Text()
    quem_id = Integer(null=True)
    quem = Text()
    endereco = Text()
    acao = Text()
    objeto = Text()
    objeto_id = Text()
    chatbot = Integer(null=True)
    campos = JSON()
