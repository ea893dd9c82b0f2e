"""Lists of clientes as spreadsheets: written so that no cell is run as a formula, and read back as they were."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from wabot.errors import WabotError

COLUMNS = ("nome", "telefone", "bsuid", "email", "ativo", "aceita_marketing", "observacoes")
"""What an import reads."""
TOLD = ("id", "chatbot", "criado_em", "atualizado_em", "ultima_interacao")
"""What an export adds; an import passes over it."""
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What makes a spreadsheet take a cell for a formula (OWASP, CSV injection)."""
YES, NO = {"sim", "s", "1", "true", "verdadeiro"}, {"não", "nao", "n", "0", "false", "falso"}


class NotASheet(WabotError):
    """The file cannot be read at all; the sentence says why."""


class Line(Mapping[str, str]):
    """One line of a file with its number, as an editor counts; of each column, the words."""

    def __init__(self, number: int, cells: Mapping[str, str]) -> None:
        self.number, self._cells = number, cells

    def __getitem__(self, column: str) -> str:
        return self._cells[column]

    def __iter__(self) -> Iterator[str]:
        return iter(self._cells)

    def __len__(self) -> int:
        return len(self._cells)


def write(rows: Iterable[Iterable[Any]]) -> str:
    """The rows as CSV text."""
    sheet = io.StringIO()
    csv.writer(sheet, lineterminator="\r\n").writerows(map(_cell, row) for row in rows)
    return sheet.getvalue()


def read(file: io.TextIOBase) -> Iterator[Line]:
    """The lines under the heading, separated by commas or, as Brazilian spreadsheets write, semicolons.

    Raises NotASheet.
    """
    try:
        heading = file.readline()
        separator = ";" if heading.count(";") > heading.count(",") else ","
        columns = [name.strip().lower() for name in next(csv.reader([heading], delimiter=separator), [])]
        _check(columns)
        reader = csv.reader(file, delimiter=separator, strict=True)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                named = zip(columns, [*cells, *[""] * len(columns)], strict=False)
                yield Line(
                    reader.line_num + 1, {name: _plain(cell) for name, cell in named if name in COLUMNS}
                )
    except UnicodeDecodeError:
        raise NotASheet("O arquivo não está em UTF-8: salve-o como “CSV UTF-8”.") from None
    except csv.Error as error:
        raise NotASheet(f"O arquivo não é um CSV que se possa ler: {error}.") from None


def truth(words: str) -> bool:
    """`sim` or `não`. Raises ValueError for anything else."""
    folded = words.strip().lower()
    if folded not in YES | NO:
        raise ValueError(words)
    return folded in YES


def _check(columns: list[str]) -> None:
    if unknown := [name[:40] for name in columns if name not in (*COLUMNS, *TOLD)]:
        raise NotASheet(f"Não há coluna {', '.join(map(repr, unknown))}; há {', '.join(COLUMNS)}.")
    if len(set(columns)) < len(columns):
        raise NotASheet("Há duas colunas com o mesmo nome.")
    if not {"telefone", "bsuid"} & set(columns):
        raise NotASheet("Falta a coluna telefone ou bsuid, que diz de quem é cada linha.")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "sim" if value else "não"
    text = str(value)
    return f"'{text}" if text.startswith((*DANGEROUS, "'")) else text


def _plain(cell: str) -> str:
    """Without the apostrophe that `_cell` put in front."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith((*DANGEROUS, "'")) else cell
