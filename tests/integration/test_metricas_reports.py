"""Reports: what they say of the roll-up."""

from datetime import date

import pytest
from tests.bots import add_bot

from wabot_metricas.reports import REPORTS, run

ZONE = "America/Sao_Paulo"


@pytest.mark.parametrize("name", REPORTS)
async def test_a_report_of_nothing_has_no_numbers(database, name):
    bot = await add_bot()
    rows = await run(name, bot.id, date(2026, 11, 1), date(2026, 11, 2), ZONE)
    assert all(isinstance(row, REPORTS[name].row) for row in rows)
    counts = [value for row in rows for value in (getattr(row, field) for field in row.__struct_fields__)]
    assert not [value for value in counts if isinstance(value, int | float) and value]
