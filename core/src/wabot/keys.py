"""Rotating SECRET_KEY: everything stored encrypted is written anew with the first key."""

from typing import Any

import msgspec

from wabot.db.engine import DB
from wabot.vault import Vault, WrongKey

ENCRYPTED = (
    ("chatbot", "access_token"),
    ("chatbot", "app_secret"),
    ("chatbot", "verify_token"),
    ("plugin_binding", "secrets"),
    ("digest_key", "secret"),
)
"""Every column that holds secrets, of tables whose `id` counts up."""
EVERY = tuple(
    f"SELECT {column} FROM {table} WHERE {column} <> ''"  # noqa: S608 - of constants
    for table, column in ENCRYPTED
)
BATCH = 200

# Only what is still as it was read: somebody may change a secret at this moment.
REWRITE = """
UPDATE {table} SET {column} = fresh.value
FROM unnest($1::int[], $2::text[], $3::text[]) AS fresh (id, old, value)
WHERE {table}.id = fresh.id AND {table}.{column} = fresh.old
"""


class Rotated(msgspec.Struct, frozen=True):
    """What a rotation did. With `lost` empty, the older keys are not needed any more."""

    rewritten: int
    current: int
    lost: list[str]
    """Secrets that no key of SECRET_KEY opens: `chatbot 3: access_token`."""


async def rotate(vault: Vault, batch: int = BATCH) -> Rotated:
    """Encrypt with the first key whatever another one encrypted, a few rows a transaction.

    Killed in the middle, it has done the rows it has done: run again, it goes on with the others.
    """
    rewritten, current, lost = 0, 0, list[str]()
    for table, column in ENCRYPTED:
        last = 0
        while rows := await _rows(table, column, last, batch):
            last = rows[-1]["id"]
            stale = [row for row in rows if not vault.is_current(row["secret"])]
            current += len(rows) - len(stale)
            fresh = {row["id"]: value for row in stale if (value := _again(vault, row["secret"]))}
            lost += [f"{table} {row['id']}: {column}" for row in stale if row["id"] not in fresh]
            old = [row["secret"] for row in stale if row["id"] in fresh]
            if fresh:
                rewrite = REWRITE.format(table=table, column=column)
                await DB.execute(rewrite, list(fresh), old, list(fresh.values()))
            rewritten += len(fresh)
    return Rotated(rewritten, current, lost)


async def _rows(table: str, column: str, after: int, most: int) -> list[Any]:
    chosen = (
        f"SELECT id, {column} AS secret FROM {table} WHERE id > $1 AND {column} <> '' ORDER BY id LIMIT $2"  # noqa: S608
    )
    return await DB.fetch(chosen, after, most)


def _again(vault: Vault, stored: str) -> str:
    try:
        return vault.encrypt(vault.decrypt(stored))
    except WrongKey:
        return ""
