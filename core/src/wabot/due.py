"""When something is due: a cron line, read in a time zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from wabot.errors import WabotError

FIELDS = 5


class BadCron(WabotError):
    """A cron line or a time zone that cannot be used. Its text says what to write instead."""


def next_after(moment: datetime, cron: str, timezone: str) -> datetime:
    """The first due time later than `moment`, in UTC; around a change of clocks, as Debian's cron has it.

    Raises BadCron.
    """
    local = moment.astimezone(_zone(timezone))
    try:
        if len(cron.split()) != FIELDS:  # a sixth one would be seconds
            raise BadCron(_wrong(cron, "são cinco campos"))
        return next(CronSim(cron, local)).astimezone(UTC)
    except CronSimError as error:
        raise BadCron(_wrong(cron, f"{error}")) from error
    except StopIteration:
        raise BadCron(_wrong(cron, "essa data nunca chega")) from None


def check(cron: str) -> None:
    """Raises BadCron."""
    next_after(datetime(2026, 1, 1, tzinfo=UTC), cron, "UTC")


def check_zone(timezone: str) -> None:
    """Raises BadCron."""
    _zone(timezone)


def _zone(timezone: str) -> ZoneInfo:
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadCron(f"Não há fuso horário {timezone!r}; use um nome como America/Sao_Paulo.") from None


def _wrong(cron: str, why: str) -> str:
    return (
        f"A linha de cron {cron!r} não serve ({why}). Escreva minuto, hora, dia, mês e dia da semana: "
        "'0 10 * * *' é todo dia às 10:00."
    )
