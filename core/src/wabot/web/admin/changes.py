"""Changes made in `/admin/`: only what a table's policy lets through, in one transaction with what the trail says."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
import pydantic
from piccolo.columns import Timestamptz
from piccolo.utils.pydantic import create_pydantic_model
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wabot import audit
from wabot.db.engine import DB
from wabot.web.admin.tables import Shown

READING = {"GET", "HEAD", "OPTIONS"}
LARGEST = 1024 * 1024
_ROW = re.compile(r"/admin/api/tables/(?P<table>\w+)/(?:(?P<row>\d{1,18})/?)?", re.ASCII)

LOOK_ONLY = "Esta tabela aqui é só para ver."
NOT_HERE = (
    "Aqui não se muda: {}. Se você não mudou isso, a linha mudou enquanto estava aberta: recarregue a página."
)


class Refused(Exception):
    """The policy does not allow it. The text is for the superuser."""

    def __init__(self, why: str, status: int = 405) -> None:
        super().__init__(why)
        self.status = status


class _Failed(Exception):
    """Piccolo Admin answered with an error: what it had begun is undone."""

    def __init__(self, messages: list[Message]) -> None:
        super().__init__()
        self.messages = messages


class Changes:
    """In front of Piccolo Admin. What only reads passes by."""

    def __init__(self, app: ASGIApp, tables: Mapping[str, Shown]) -> None:
        self._app, self._tables = app, tables

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in READING:
            await self._app(scope, receive, send)
            return
        try:
            messages = await self._changed(scope, receive)
        except Refused as refused:
            messages = _told(str(refused), refused.status)
        except _Failed as failed:
            messages = failed.messages
        for message in messages:  # only now is it committed
            await send(message)

    async def _changed(self, scope: Scope, receive: Receive) -> list[Message]:
        found = _ROW.fullmatch(scope["path"])
        shown = self._tables.get(found["table"]) if found else None
        if found is None or shown is None:
            raise Refused("Isto não existe aqui.", 404)
        row = int(found["row"]) if found["row"] else None
        body = await _body(receive)
        async with DB.transaction():
            match scope["method"], row:
                case "POST", None if shown.policy.adds:
                    return await self._added(shown, scope, body)
                case "DELETE", int() if shown.policy.removes:
                    return await self._removed(shown, scope, row)
                case (("PATCH" | "PUT"), int()) if shown.policy.changes:
                    return await self._edited(shown, scope, row, body)
        raise Refused(LOOK_ONLY)

    async def _added(self, shown: Shown, scope: Scope, body: bytes) -> list[Message]:
        messages = await self._passed_on(scope, body)
        [made] = msgspec.json.decode(_content(messages), type=list[dict[str, Any]])
        row = made[shown.table._meta.primary_key._meta.name]
        after = await _row(shown, row)
        await _record(
            "criar", shown, row, after, [name for name, value in after.items() if value is not None]
        )
        return messages

    async def _removed(self, shown: Shown, scope: Scope, row: int) -> list[Message]:
        before = await _row(shown, row)
        messages = await self._passed_on(scope, b"")
        await _record("apagar", shown, row, before, [])
        return messages

    async def _edited(self, shown: Shown, scope: Scope, row: int, body: bytes) -> list[Message]:
        """Of the form, which has every column, only what was changed is written: others may have written the rest."""
        before = await _row(shown, row)
        changed = _differences(shown, before, body)
        if not_here := [name for name in changed if name not in shown.policy.changes]:
            raise Refused(NOT_HERE.format(", ".join(not_here)))
        if not changed:
            return [{"type": "http.response.start", "status": 204, "headers": []}, _end(b"")]
        messages = await self._passed_on({**scope, "method": "PATCH"}, msgspec.json.encode(changed))
        await _record("mudar", shown, row, before, list(changed))
        return messages

    async def _passed_on(self, scope: Scope, body: bytes) -> list[Message]:
        """What Piccolo Admin answers. Raises _Failed if that is an error."""
        messages: list[Message] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def keep(message: Message) -> None:
            messages.append(message)

        await self._app(_with_length(scope, body), receive, keep)
        if next(m["status"] for m in messages if m["type"] == "http.response.start") >= 400:
            raise _Failed(messages)
        return messages


def _differences(shown: Shown, before: Mapping[str, Any], body: bytes) -> dict[str, Any]:
    """What the form says that the row does not, as it was sent. Times nobody may change come back rounded: left out."""
    try:
        sent = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        raise Refused("Isto não pôde ser lido.", 400) from None
    if strange := sent.keys() - before.keys():
        raise Refused(NOT_HERE.format(", ".join(sorted(strange))))
    model = create_pydantic_model(shown.table, all_optional=True, include_default_columns=True)
    nothing = {name: None if value == "null" else value for name, value in sent.items()}
    try:
        read = model(**nothing).model_dump()
    except pydantic.ValidationError as error:
        wrong = ", ".join(str(one["loc"][0]) for one in error.errors() if one["loc"])
        raise Refused(f"Há valores que não servem: {wrong}.") from None
    stamps = {c._meta.name for c in shown.table._meta.columns if isinstance(c, Timestamptz)}
    ignored = stamps - set(shown.policy.changes)
    return {name: sent[name] for name in sent if name not in ignored and read[name] != before[name]}


async def _row(shown: Shown, row: Any) -> dict[str, Any]:
    """A row as it stands, kept from others until the end of the transaction. Raises Refused if there is none."""
    table = shown.table
    found: dict[str, Any] | None = (
        await table.select().where(table._meta.primary_key == row).first().lock_rows()
    )
    if found is None:
        raise Refused("Esta linha não existe mais.", 404)
    return found


async def _record(acao: str, shown: Shown, row: Any, values: Mapping[str, Any], columns: list[str]) -> None:
    meta = shown.table._meta
    name = f"{meta.schema}.{meta.tablename}" if meta.schema else meta.tablename
    chatbot = row if name == "chatbot" else values.get("chatbot")
    await audit.record(acao, name, row, chatbot=chatbot, campos=columns)


async def _body(receive: Receive) -> bytes:
    parts = bytearray()
    while True:
        message: Any = await receive()
        parts += message.get("body", b"")
        if len(parts) > LARGEST:
            raise Refused("Grande demais.", 413)
        if message["type"] != "http.request" or not message.get("more_body"):
            return bytes(parts)


def _with_length(scope: Scope, body: bytes) -> Scope:
    headers = [(name, value) for name, value in scope["headers"] if name != b"content-length"]
    return {**scope, "headers": [*headers, (b"content-length", str(len(body)).encode())]}


def _content(messages: list[Message]) -> bytes:
    return b"".join(
        message.get("body", b"") for message in messages if message["type"] == "http.response.body"
    )


def _told(why: str, status: int) -> list[Message]:
    """As Piccolo Admin's page shows it to the person."""
    headers = [(b"content-type", b"application/json")]
    return [
        {"type": "http.response.start", "status": status, "headers": headers},
        _end(msgspec.json.encode({"detail": why})),
    ]


def _end(body: bytes) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": False}
