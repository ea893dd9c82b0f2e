"""Spreadsheets of clientes, without a database."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabot.planilha import DANGEROUS, NotASheet, read, truth, write

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"))


def lines(text):
    return list(read(io.StringIO(text, newline="")))


@given(st.lists(st.tuples(WORDS, st.just("1")), min_size=1))
def test_whatever_is_written_is_read_back_and_no_cell_is_a_formula(rows):
    text = write([("nome", "telefone"), *rows])
    assert [(line["nome"], line["telefone"]) for line in lines(text)] == rows
    cells = [line["nome"] for line in lines(write([("nome", "telefone"), *((f"'{n}", t) for n, t in rows)]))]
    assert cells == [f"'{nome}" for nome, _ in rows]


@pytest.mark.parametrize("start", DANGEROUS)
def test_a_cell_that_a_spreadsheet_would_run_begins_with_an_apostrophe(start):
    assert write([[f"{start}1"]]).lstrip('"').startswith("'")


def test_semicolons_are_what_brazilian_spreadsheets_write():
    assert dict(lines("Nome;Telefone\nAna;1\n\nBia;2\n")[1]) == {"nome": "Bia", "telefone": "2"}


def test_lines_are_numbered_as_an_editor_counts():
    text = 'nome,telefone\n"Ana\nMaria",1\nBia,2\n'
    assert [line.number for line in lines(text)] == [3, 4]


def test_what_an_export_adds_is_passed_over():
    assert dict(lines("id,telefone,criado_em\n7,1,2026\n")[0]) == {"telefone": "1"}


@pytest.mark.parametrize(
    "text", ["", "nome\nAna\n", "cpf,telefone\n1,2\n", "telefone,telefone\n", 'telefone\n"1\n']
)
def test_what_is_no_sheet_is_refused(text):
    with pytest.raises(NotASheet):
        lines(text)


def test_yes_and_no_as_people_write_them():
    assert [truth(word) for word in ("Sim", " s ", "1", "NÃO", "nao", "0")] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]
    with pytest.raises(ValueError, match="talvez"):
        truth("talvez")
