"""What superusers find in `/admin/`: which tables, without their secrets, and what may be changed there."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from piccolo.columns import BigInt, BigSerial, Integer, Text, Timestamptz
from piccolo.columns.readable import Readable
from piccolo.table import Table, create_table_class

from wabot.db import tables as core
from wabot.db.engine import DB
from wabot.parts import AdminTable
from wabot.plugins.registry import Plugin

log = logging.getLogger(__name__)

NAMED_BY = ("nome", "email", "titulo", "plugin")
"""What a row is called where another one refers to it: the first of these columns it has."""


class Inbox(Table, db=DB, tablename="inbox"):
    """Messages from customers and what became of them, without what they say."""

    id = BigSerial(primary_key=True)
    chatbot = Integer()
    conversa = BigInt(null=True)
    wamid = Text()
    kind = Text()
    state = Text()
    tries = Integer()
    error = Text()
    sent_at = Timestamptz()
    received_at = Timestamptz()
    done_at = Timestamptz(null=True)


class Outbox(Table, db=DB, tablename="outbox"):
    """Messages to customers and what became of them, without what they say."""

    id = BigSerial(primary_key=True)
    chatbot = Integer()
    conversa = BigInt()
    inbox = BigInt(null=True)
    wamid = Text(null=True)
    state = Text()
    status = Text()
    tries = Integer()
    error_code = Integer(null=True)
    error = Text()
    created_at = Timestamptz()
    sent_at = Timestamptz(null=True)
    delivered_at = Timestamptz(null=True)
    read_at = Timestamptz(null=True)


# What has rules of its own is looked at here and changed where the rules are: chatbots' numbers and credentials by
# `wabot bots`, people by `wabot users`, tokens by `wabot tokens`, plugins in the panel.
CORE = (
    AdminTable(core.Chatbot, ("nome", "ativo")),
    AdminTable(core.Cliente, ("nome", "email", "ativo", "aceita_marketing", "observacoes")),
    AdminTable(core.Conversa),
    AdminTable(core.PluginBinding),
    AdminTable(core.Agendamento, ("cron", "timezone", "enabled", "missed")),
    AdminTable(core.Pessoa),
    AdminTable(core.Papel, ("papel",), adds=True, removes=True),
    AdminTable(core.ApiToken),
    AdminTable(core.Auditoria),
    AdminTable(Inbox),
    AdminTable(Outbox),
)


class Shown(msgspec.Struct, frozen=True):
    """A table as `/admin/` has it."""

    table: type[Any]
    """A copy without the secret columns: nothing can select, filter, sort or export what is not there."""
    policy: AdminTable
    group: str

    @property
    def name(self) -> str:
        name: str = self.table._meta.tablename
        return name


def all_tables(plugins: Iterable[Plugin]) -> Mapping[str, Shown]:
    """The core's and the plugins', by name. Of two with one name the first is shown: the core's is never hidden."""
    wanted = [("wabot", policy) for policy in CORE]
    wanted += [(plugin.id, policy) for plugin in plugins for policy in plugin.declared.admin]
    found: dict[str, Shown] = {}
    for group, policy in wanted:
        shown = Shown(without_secrets(policy.table), policy, group)
        if shown.name in found:
            log.warning(
                "table %s of plugin %s is not in /admin/: there is one of that name", shown.name, group
            )
        else:
            found[shown.name] = shown
    return found


def without_secrets(table: type[Table]) -> type[Table]:
    """The same table of the database, as if it had no secret columns."""
    columns = {column._meta.name: column for column in table._meta.columns if not column._meta.secret}
    named_by = next((name for name in NAMED_BY if name in columns), None)

    def get_readable(cls: type[Table]) -> Readable:
        named = cls._meta.primary_key if named_by is None else cls._meta.get_column_by_name(named_by)
        return Readable(template="%s", columns=[named])

    return create_table_class(
        table.__name__,
        class_kwargs={"tablename": table._meta.tablename, "schema": table._meta.schema, "db": DB},
        class_members={**columns, "get_readable": classmethod(get_readable)},
    )
