"""The chatbots of this installation, as this process knows them: whose number, whose secrets."""

import logging
from datetime import datetime

import msgspec

from wabot.db.engine import DB
from wabot.settings import Settings
from wabot.vault import Vault, WrongKey

log = logging.getLogger(__name__)


class Bot(msgspec.Struct, frozen=True):
    """One chatbot with its secrets readable; those it has none of come from the environment."""

    id: int
    nome: str
    numero: str
    phone_number_id: str
    business_account_id: str
    timezone: str
    ativo: bool
    access_token: str
    app_secret: str
    verify_token: str
    credentials_at: datetime | None = None
    """Since when they are what they are."""

    def __repr__(self) -> str:
        return f"Bot({self.id})"  # secrets never reach a log


class Directory:
    """All chatbots by every way there is to find one. `load` again when the rows have changed."""

    def __init__(self, settings: Settings, vault: Vault) -> None:
        self._settings, self._vault = settings, vault
        self._index([])

    async def load(self) -> None:
        rows = await DB.fetch("SELECT * FROM chatbot ORDER BY id")
        self._index([bot for row in rows if (bot := self._read(row))])

    def _index(self, bots: list[Bot]) -> None:
        self.bots = bots
        self.by_id = {bot.id: bot for bot in bots}
        self.by_phone = {bot.phone_number_id: bot for bot in bots}
        self.secrets = list(dict.fromkeys(bot.app_secret for bot in bots if bot.app_secret))
        if (shared := self._settings.app_secret) and shared not in self.secrets:
            self.secrets.append(shared)

    def of_account(self, business_account_id: str) -> list[Bot]:
        return [bot for bot in self.bots if bot.business_account_id == business_account_id]

    def verify_tokens(self) -> list[str]:
        """What Meta may present when a webhook address is registered."""
        tokens = [bot.verify_token for bot in self.bots if bot.ativo]
        return [token for token in [*tokens, self._settings.verify_token] if token]

    def _read(self, row: msgspec.Struct) -> Bot | None:
        fields = {name: row[name] for name in Bot.__struct_fields__}  # type: ignore[index]
        try:
            for secret in ("access_token", "app_secret", "verify_token"):
                fields[secret] = self._vault.decrypt(fields[secret])
        except WrongKey as error:
            log.error("chatbot %s left out: %s", fields["id"], error)
            return None
        fields["app_secret"] = fields["app_secret"] or self._settings.app_secret
        fields["verify_token"] = fields["verify_token"] or self._settings.verify_token
        return Bot(**fields)
