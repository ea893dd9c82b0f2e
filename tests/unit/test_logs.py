"""Logs tell where something failed, and nothing a customer wrote."""

import json
import logging

from wabot.logs import _Console, _Json, places, step


def failure():
    try:
        int("o CPF da Ana é 123")
    except ValueError as error:
        return error


def record():
    error = failure()
    return logging.LogRecord(
        "wabot", logging.ERROR, __file__, 1, "turn failed", (), (type(error), error, error.__traceback__)
    )


def test_an_exception_is_shown_by_place_and_type_only():
    shown = places(failure())
    assert shown.startswith("ValueError\n")
    assert "test_logs.py" in shown
    assert "CPF" not in shown


def test_neither_format_quotes_an_exception():
    line = json.loads(_Json().format(record()))
    assert (line["level"], line["message"]) == ("error", "turn failed")
    for shown in (line["exception"], _Console().format(record())):
        assert "ValueError" in shown
        assert "CPF" not in shown


def test_a_step_names_its_rows_in_both_formats(caplog):
    caplog.set_level(logging.INFO)
    step(logging.getLogger("wabot.x"), "turn", conversa=42, inbox=812)
    [record] = caplog.records
    assert json.loads(_Json().format(record))["inbox"] == 812
    assert _Console().format(record).endswith("turn conversa=42 inbox=812")
