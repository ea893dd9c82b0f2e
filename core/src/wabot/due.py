"""When something is due: a cron line, read in a time zone."""

import re
from collections.abc import Callable, Sequence
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


def in_words(cron: str) -> str:
    """The commonest lines as people say them: `todo dia às 10:00`. Of any other, nothing."""
    for pattern, say in _SAID:
        if found := re.fullmatch(pattern, " ".join(cron.split()), re.ASCII):
            return say(*found.groups())
    return ""


def _at(minute: str, hour: str) -> str:
    return f"às {int(hour):02}:{int(minute):02}"


_DAYS = ("domingo", "segunda", "terça", "quarta", "quinta", "sexta", "sábado", "domingo")
_SAID: Sequence[tuple[str, Callable[..., str]]] = (
    (r"(\d+) (\d+) \* \* \*", lambda m, h: f"todo dia {_at(m, h)}"),
    (r"(\d+) (\d+) \* \* ([0-7])", lambda m, h, d: f"{_DAYS[int(d)]} {_at(m, h)}"),
    (
        r"(\d+) (\d+) \* \* ([0-7])-([0-7])",
        lambda m, h, a, b: f"de {_DAYS[int(a)]} a {_DAYS[int(b)]} {_at(m, h)}",
    ),
    (r"(\d+) (\d+) (\d+) \* \*", lambda m, h, d: f"dia {d} de cada mês {_at(m, h)}"),
    (r"0 \*/(2|3|4|6|8|12) \* \* \*", lambda n: f"a cada {n} horas"),
    (r"\*/(2|3|4|5|6|10|12|15|20|30) \* \* \* \*", lambda n: f"a cada {n} minutos"),
    (r"0 \* \* \* \*", lambda: "a cada hora"),
)


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
