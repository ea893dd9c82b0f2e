"""Whose is it: what a webhook brought, handed to the chatbots it is for, if their own secret signed it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from wabot.db.directory import Bot, Directory
from wabot.inbox import Delivery, Notice, Quarantined
from wabot.whatsapp import payloads
from wabot.whatsapp.payloads import Payload, account_named

UNKNOWN_NUMBER = "a number or account that is not ours"
INACTIVE = "a chatbot that is switched off"


@dataclass(slots=True)
class Sorted:
    """What may be stored, and how many items were left out because another secret signed them."""

    delivery: Delivery = field(default_factory=Delivery)
    refused: int = 0

    @property
    def nothing_accepted(self) -> bool:
        d = self.delivery
        return not (d.messages or d.statuses or d.notices or d.quarantined)


class Sorter:
    """Sorts the items of one body that was signed with `secret`."""

    def __init__(self, directory: Directory, secret: str) -> None:
        self._directory, self._secret = directory, secret
        self.sorted = Sorted()

    def sort(self, payload: Payload) -> Sorted:
        for message in payload.messages:
            if bot := self._bot(message.phone_number_id, message.raw):
                self.sorted.delivery.messages.append((bot.id, message))
        for status in payload.statuses:
            if bot := self._bot(status.phone_number_id, status.raw):
                self.sorted.delivery.statuses.append((bot.id, status))
        for notice in payload.notices:
            self._notice(notice)
        for unread in payload.unread:
            self._unread(unread)
        return self.sorted

    def _bot(self, phone_number_id: str, raw: bytes) -> Bot | None:
        """The active chatbot an item is for. If there is none, the item is dealt with here."""
        bot = self._directory.by_phone.get(phone_number_id)
        if bot is None:
            self._quarantine(None, UNKNOWN_NUMBER, raw)
        elif bot.app_secret != self._secret:
            self.sorted.refused += 1
        elif not bot.ativo:
            self._quarantine(bot.id, INACTIVE, raw)
        else:
            return bot
        return None

    def _notice(self, notice: payloads.Notice) -> None:
        """Of a number or, for most fields, of an account: then it concerns each of the chatbots that share it."""
        owners = self._owners(notice.waba_id, notice.phone_number_id) or self._directory.of_account(
            account_named(notice.raw)
        )
        mine = [bot for bot in owners if bot.app_secret == self._secret]
        if not owners:
            self._quarantine(None, UNKNOWN_NUMBER, notice.raw)
        elif not mine:
            self.sorted.refused += 1
        else:
            self.sorted.delivery.notices.extend(
                Notice(bot.id, notice.waba_id, notice.field, notice.raw, notice.at) for bot in mine
            )

    def _unread(self, unread: payloads.Unread) -> None:
        owners = self._owners(unread.waba_id, unread.phone_number_id)
        mine = [bot for bot in owners if bot.app_secret == self._secret]
        if owners and not mine:
            self.sorted.refused += 1
        else:
            self._quarantine(mine[0].id if len(mine) == 1 else None, unread.why, unread.raw)

    def _owners(self, waba_id: str, phone_number_id: str) -> Iterable[Bot]:
        by_phone = self._directory.by_phone.get(phone_number_id)
        return [by_phone] if by_phone else self._directory.of_account(waba_id)

    def _quarantine(self, chatbot: int | None, why: str, raw: bytes) -> None:
        self.sorted.delivery.quarantined.append(Quarantined(chatbot, why, raw))
