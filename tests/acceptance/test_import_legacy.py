"""`wabot import-legacy` as an administrator types it: first the trial, then the import, then once more."""

import pytest

from tests import antigo
from tests.acceptance.commands import Shell


@pytest.fixture
def shell(database_uri, tmp_path):
    antigo.in_sqlite(tmp_path / "db.sqlite3")
    return Shell(tmp_path, DATABASE_URL=database_uri, SECRET_KEY="uma-chave-bem-comprida-para-o-teste")


async def test_from_the_trial_to_a_shop_that_is_here(shell):
    told = await shell.run("import-legacy", "db.sqlite3")
    assert "Nada foi importado. Para importar: repita com --yes" in told
    assert "pedido 42: o status 'perdido' não existe aqui" in told
    assert "Fica no sistema antigo: 1 × o ponto em que cada conversa estava" in told
    assert await shell.json("bots", "list") == []

    assert "Importado." in await shell.run("import-legacy", "db.sqlite3", "--yes")
    [bot] = await shell.json("bots", "list")
    assert bot["nome"] == "Cantina"

    again = await shell.json("import-legacy", "db.sqlite3", "--yes")
    assert {kind["novos"] for kind in again["importados"]} == {0}


async def test_what_is_no_old_database_is_one_line_and_status_1(shell):
    assert "Não há um arquivo" in await shell.run("import-legacy", "nada.sqlite3", status=1)
    refused = await shell.run("import-legacy", "postgresql://ninguem@127.0.0.1:9/nada", status=1)
    assert refused.startswith("wabot: O banco antigo não abre")
