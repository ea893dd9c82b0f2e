"""Templates as wabot last heard of them from Meta: whether a campanha may use one, and what its body says."""

from typing import Any

import msgspec

from wabot import DB
from wabot_reativacao import texts
from wabot_reativacao.parametros import lugares

APROVADO, MARKETING = "APPROVED", "MARKETING"

ACHAR = """
SELECT name, language, category, status, components FROM template
WHERE chatbot = $1 AND name = $2 AND language = replace($3, '-', '_')
"""


class Modelo(msgspec.Struct, frozen=True):
    """A template, with the words of its body and what of it cannot be filled in."""

    nome: str
    idioma: str
    categoria: str
    status: str
    corpo: str = ""
    sem_jeito: str = ""
    """The part whose parameters wabot cannot fill in, for people; empty: none."""

    @property
    def quantos(self) -> int:
        """How many parameters it takes."""
        return len(lugares(self.corpo))

    def recusa(self, parametros: int) -> dict[str, str]:
        """Why a campanha may not use it with so many parameters, by field; empty: it may."""
        if self.status != APROVADO:
            return {"modelo": texts.NAO_APROVADO.format(status=self.status or "desconhecida")}
        if self.categoria != MARKETING:
            return {"modelo": texts.NAO_E_MARKETING.format(categoria=self.categoria or "desconhecida")}
        if self.sem_jeito:
            return {"modelo": texts.NAO_PREENCHE.format(parte=self.sem_jeito)}
        if self.quantos != parametros:
            return {"parametros": texts.QUANTOS_PARAMETROS.format(tem=self.quantos, da=parametros)}
        return {}


async def achar(chatbot: int, nome: str, idioma: str) -> Modelo | None:
    """The template of a chatbot's account, if it was ever told of."""
    row = await DB.fetchrow(ACHAR, chatbot, nome, idioma)
    if row is None:
        return None
    partes = _partes(row["components"])
    corpo = _texto(partes.get("BODY", {}))
    return Modelo(row["name"], row["language"], row["category"], row["status"], corpo, _sem_jeito(partes))


def _partes(components: str | None) -> dict[str, dict[str, Any]]:
    """Meta's components by type. What is of another shape than documented is left out."""
    lista = msgspec.json.decode(components) if components else []
    partes = [parte for parte in lista if isinstance(parte, dict)] if isinstance(lista, list) else []
    return {str(parte.get("type", "")).upper(): parte for parte in partes}


def _sem_jeito(partes: dict[str, dict[str, Any]]) -> str:
    """wabot sends numbered parameters of the body, and nothing else."""
    cabecalho, botoes = partes.get("HEADER", {}), partes.get("BUTTONS", {}).get("buttons")
    if cabecalho and (cabecalho.get("format", "TEXT") != "TEXT" or lugares(_texto(cabecalho))):
        return texts.CABECALHO
    if any(_tem_parametro(botao) for botao in botoes or [] if isinstance(botao, dict)):
        return texts.BOTAO
    nomes = lugares(_texto(partes.get("BODY", {})))
    return "" if sorted(nomes) == sorted(str(n) for n in range(1, len(nomes) + 1)) else texts.COM_NOME


def _tem_parametro(botao: dict[str, Any]) -> bool:
    return bool(lugares(str(botao.get("url", "")))) or botao.get("type") in {"COPY_CODE", "FLOW", "CATALOG"}


def _texto(parte: dict[str, Any]) -> str:
    texto = parte.get("text", "")
    return texto if isinstance(texto, str) else ""
