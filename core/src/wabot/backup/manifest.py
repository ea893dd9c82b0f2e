"""What a backup says of itself: enough to check every byte, and to know what it takes to bring it back."""

from datetime import datetime

import msgspec

from wabot.errors import WabotError
from wabot.storage import key_of

FORMAT = 1
"""Raised when an older release could not read what this one writes."""
NAME = "manifest.json"


class BadBackup(WabotError):
    """A file that is no backup, is damaged, or cannot be restored here. Its text says which and what to do."""


class Kept(msgspec.Struct, frozen=True):
    """One entry of the archive, as it was written."""

    size: int
    sha256: str


class TableData(msgspec.Struct, frozen=True):
    """The rows of one table. `schema` is a plugin's; empty: the core's."""

    schema: str
    name: str
    columns: list[str]
    rows: int
    kept: Kept

    @property
    def entry(self) -> str:
        return f"data/{self.schema or 'core'}/{self.name}.tsv"


class SequenceState(msgspec.Struct, frozen=True):
    """Where a sequence stood: ids that were given once are not given again."""

    schema: str
    name: str
    value: int
    called: bool


class MediaFile(msgspec.Struct, frozen=True):
    """A customer's or a plugin's file."""

    chatbot: int
    sha256: str
    size: int

    @property
    def entry(self) -> str:
        return f"media/{key_of(self.chatbot, self.sha256)}"


class KeyNeeded(msgspec.Struct, frozen=True):
    """A key of SECRET_KEY by its fingerprint, which tells nothing about it, and how many secrets it opens."""

    fingerprint: str
    secrets: int


class Manifest(msgspec.Struct, frozen=True):
    """The last entry written: without it a file is no backup."""

    format: int
    made_at: datetime
    wabot: str
    postgres: str
    migrations: dict[str, list[str]]
    """Of the core and of each plugin's Piccolo app, those that had run."""
    plugins: dict[str, str]
    """Where plugins came from: `{"pedidos": "wabot-pedidos 1.2.0"}`."""
    tables: list[TableData]
    sequences: list[SequenceState]
    media: list[MediaFile]
    """Files whose bytes are in this backup."""
    bucket: list[MediaFile]
    """Files that stay where they are, in the bucket that MEDIA_URL names."""
    gone: list[MediaFile]
    """Files that were erased while the backup was made."""
    keys: list[KeyNeeded]
    unreadable: int = 0
    """Secrets that no key of SECRET_KEY opened."""

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)
