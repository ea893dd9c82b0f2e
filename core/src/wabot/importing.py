"""Many clientes at once, from a spreadsheet: all checked first, then written in one transaction or not at all.

The lines go through a temporary table: the database compares them with one another and with who is there already, in
constant memory here however long the file is.
"""

import asyncio
import io
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from wabot import audit, clientes, consent
from wabot.db.engine import DB
from wabot.errors import WrongFields
from wabot.planilha import Line, NotASheet, read, truth

MOST_LINES = 100_000
BATCH = 1000
TOLD = 100
"""Faults told one by one; of the others, how many there are."""
LIMITS = {"nome": 200, "telefone": 40, "bsuid": 150, "email": 254, "observacoes": 4000}

Mode = Literal["tudo", "validas", "simular"]

LINES = """
CREATE TEMPORARY TABLE line (
    number integer, nome text, telefone text, wa_id text, phone_key text, bsuid text, email text, ativo boolean,
    aceita_marketing boolean, observacoes text, cliente bigint
) ON COMMIT DROP
"""
INDEX = "CREATE INDEX ON line (phone_key); CREATE INDEX ON line (bsuid); ANALYZE line"

# A person in two lines, or two people in one, is a mistake whose meaning nobody can guess.
TWICE = """
DELETE FROM line USING (
    SELECT number FROM (
        SELECT number, min(number) OVER (PARTITION BY phone_key) AS by_phone,
            min(number) OVER (PARTITION BY bsuid) AS by_bsuid, phone_key, bsuid FROM line) AS seen
    WHERE (phone_key IS NOT NULL AND by_phone < number) OR (bsuid IS NOT NULL AND by_bsuid < number)) AS twice
WHERE line.number = twice.number RETURNING line.number
"""
TWO_PEOPLE = """
DELETE FROM line USING cliente AS one, cliente AS other
WHERE one.chatbot = $1 AND one.phone_key = line.phone_key AND other.chatbot = $1 AND other.bsuid = line.bsuid
    AND one.id <> other.id AND one.mesclado_em IS NULL AND other.mesclado_em IS NULL RETURNING number
"""
BY_PHONE = """
UPDATE line SET cliente = cliente.id FROM cliente
WHERE line.cliente IS NULL AND cliente.chatbot = $1 AND cliente.phone_key = line.phone_key
    AND cliente.mesclado_em IS NULL
"""
BY_BSUID = """
UPDATE line SET cliente = cliente.id FROM cliente
WHERE line.cliente IS NULL AND cliente.chatbot = $1 AND cliente.bsuid = line.bsuid
    AND cliente.mesclado_em IS NULL
"""
SAME = """
DELETE FROM line
USING (SELECT cliente, min(number) AS first FROM line WHERE cliente IS NOT NULL GROUP BY cliente) AS seen
WHERE line.cliente = seen.cliente AND number > first RETURNING number
"""
CHANGE = """
UPDATE cliente SET nome = coalesce(line.nome, cliente.nome), email = coalesce(line.email, cliente.email),
    ativo = coalesce(line.ativo, cliente.ativo), observacoes = coalesce(line.observacoes, cliente.observacoes),
    telefone = coalesce(line.telefone, cliente.telefone), bsuid = coalesce(line.bsuid, cliente.bsuid),
    wa_id = CASE WHEN line.phone_key IS DISTINCT FROM cliente.phone_key THEN coalesce(line.wa_id, cliente.wa_id)
        ELSE cliente.wa_id END,
    wa_id_proved = wa_id_proved AND coalesce(line.phone_key, cliente.phone_key) IS NOT DISTINCT FROM cliente.phone_key,
    phone_key = coalesce(line.phone_key, cliente.phone_key), atualizado_em = now()
FROM line WHERE line.cliente = cliente.id
"""
ADD = """
INSERT INTO cliente (chatbot, nome, telefone, wa_id, phone_key, bsuid, email, ativo, observacoes)
SELECT $1, coalesce(nome, ''), coalesce(telefone, ''), wa_id, phone_key, bsuid, coalesce(email, ''),
    coalesce(ativo, true), coalesce(observacoes, '')
FROM line WHERE line.cliente IS NULL ORDER BY number
"""
CONSENTING = """
SELECT line.cliente FROM line JOIN cliente ON cliente.id = line.cliente
WHERE line.aceita_marketing = $1 AND cliente.aceita_marketing <> $1
"""


COLUMNS = (
    "nome",
    "telefone",
    "wa_id",
    "phone_key",
    "bsuid",
    "email",
    "ativo",
    "aceita_marketing",
    "observacoes",
)


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with a line."""

    line: Annotated[int, Meta(description="O número da linha no arquivo; o cabeçalho é a 1.")]
    field: Annotated[str, Meta(description="A coluna.")]
    message: Annotated[str, Meta(description="O que está errado, para mostrar a uma pessoa.")]


class Report(msgspec.Struct):
    """What an import did, or would do."""

    criados: Annotated[int, Meta(description="Clientes novos.")] = 0
    atualizados: Annotated[int, Meta(description="Clientes que já havia.")] = 0
    recusados: Annotated[int, Meta(description="Linhas deixadas de fora.")] = 0
    erros: Annotated[list[Fault], Meta(description=f"Os primeiros {TOLD}, por linha.")] = []

    def refuse(self, line: int, wrong: Mapping[str, str]) -> None:
        self.recusados += 1
        if len(self.erros) < TOLD:
            self.erros += [Fault(line, field, message) for field, message in wrong.items()]


async def take(file: io.TextIOBase, chatbot: int, mode: Mode) -> Report:
    """Add the people of a file to a chatbot, and change those it has already; what a line leaves empty stays.

    With `tudo`, one fault keeps everything from being written; with `validas`, only its line is left out; with
    `simular`, nothing is written. Raises NotASheet.
    """
    report = Report()
    async with DB.transaction() as transaction:
        await DB.execute(LINES)
        await _fill(file, report)
        await DB.execute(INDEX)
        await _compare(chatbot, report)
        await _write(chatbot, report)
        if mode == "simular" or (mode == "tudo" and report.recusados):
            await transaction.rollback()  # type: ignore[no-untyped-call]
        else:
            many = {"criados": report.criados, "atualizados": report.atualizados}
            await audit.record("importar", "clientes", chatbot, chatbot=chatbot, campos=many)
    return report


async def _fill(file: io.TextIOBase, report: Report) -> None:
    lines, many = read(file), 0
    while batch := list(islice(lines, BATCH)):
        many += len(batch)
        if many > MOST_LINES:
            raise NotASheet(f"O arquivo tem mais de {MOST_LINES} linhas; divida-o.")
        rows = list(_rows(batch, report))
        async with DB.connection() as connection:
            await connection.copy_records_to_table("line", records=rows, columns=("number", *COLUMNS))
        await asyncio.sleep(0)  # whoever else is served by this process


def _rows(lines: Iterable[Line], report: Report) -> Iterator[tuple[Any, ...]]:
    """What fits; of the rest, every fault."""
    for line in lines:
        wrong: dict[str, str] = {}
        fields: dict[str, Any] = {}
        for column, words in line.items():
            try:
                fields[column] = _value(column, words)
            except WrongFields as error:
                wrong |= error.fields
        columns = clientes.written(fields) if not wrong else {}
        if not wrong and not columns.get("phone_key") and not columns.get("bsuid"):
            wrong = {"telefone": clientes.NOBODY}
        if wrong:
            report.refuse(line.number, wrong)
        else:
            yield (line.number, *(columns.get(column) for column in COLUMNS))


def _value(column: str, words: str) -> Any:
    """What a cell means; UNSET: nothing. Raises WrongFields."""
    if not words.strip():
        return msgspec.UNSET
    if column in ("ativo", "aceita_marketing"):
        try:
            return truth(words)
        except ValueError:
            raise WrongFields({column: "Escreva sim ou não."}) from None
    if len(words) > LIMITS[column]:
        raise WrongFields({column: f"Pode ter no máximo {LIMITS[column]} caracteres."})
    if column == "telefone":
        clientes.phone(words)
    return words


async def _compare(chatbot: int, report: Report) -> None:
    """The lines with one another, and with who is there already."""
    for row in await DB.fetch(TWICE):
        report.refuse(row["number"], {"telefone": "Esta pessoa já está em outra linha, acima."})
    for row in await DB.fetch(TWO_PEOPLE, chatbot):
        report.refuse(row["number"], {"bsuid": "O telefone é de um cliente e o BSUID é de outro."})
    await _find(chatbot)
    for row in await DB.fetch(SAME):
        report.refuse(row["number"], {"bsuid": "É o mesmo cliente de outra linha, acima."})
    report.erros.sort(key=lambda fault: fault.line)


async def _find(chatbot: int) -> None:
    for statement in (BY_PHONE, BY_BSUID):
        await DB.execute(statement, chatbot)


async def _write(chatbot: int, report: Report) -> None:
    report.atualizados = _count(await DB.execute(CHANGE))
    report.criados = _count(await DB.execute(ADD, chatbot))
    await _find(chatbot)
    for accepts in (True, False):
        changed = [row["cliente"] for row in await DB.fetch(CONSENTING, accepts)]
        if changed:
            await consent.told(changed, accepts=accepts, how="importação de planilha")


def _count(status: str) -> int:
    """`UPDATE 3` → 3."""
    return int(status.rpartition(" ")[2])
