"""`/api/reativacao/campanhas/`: the campanhas of a chatbot, from draft to results. Mounted by the core."""

from collections.abc import Awaitable, Callable, Collection
from typing import Annotated, Any

import msgspec
from litestar import Controller, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET

from wabot import DB, Access, Created, Invalid, Listing, Mailing, Page, clean, sorted_by
from wabot_reativacao import campanhas, modelos, resultados, texts
from wabot_reativacao.parametros import DE_PEDIDOS, FATOS, fatos_em
from wabot_reativacao.previa import Previa, previa
from wabot_reativacao.shapes import CampanhaChange, CampanhaIn, CampanhaOut, Estado, GrupoOut, ResultadosOut
from wabot_reativacao.tables import Campanha

ORDERS = {column._meta.name: column for column in (Campanha.id, Campanha.nome, Campanha.criado_em)}
MUDAM_SEMPRE = {"nome", "intervalo_dias", "limite_diario", "silencio_das", "silencio_ate"}
"""What may change of a campanha that has begun: the rest would mix two campanhas in one result."""


class CampanhaController(Controller):
    path = "/campanhas"
    tags = ("reativacao",)

    @get(summary="Lista campanhas, as mais novas primeiro; busca no nome", operation_class=sorted_by(ORDERS))
    async def list(
        self,
        access: NamedDependency[Access],
        listing: NamedDependency[Listing],
        estado: Annotated[Estado | None, QueryParameter(description="Só as que estão assim.")] = None,
    ) -> Page[CampanhaOut]:
        where = [] if estado is None else [Campanha.estado == estado]
        return await listing.page(Campanha, access, shown, search=[Campanha.nome], where=where, orders=ORDERS)

    @post(summary="Cria uma campanha, em rascunho")
    async def create(
        self, access: NamedDependency[Access], data: JSONBody[CampanhaIn]
    ) -> Created[CampanhaOut]:
        if not access.sees(data.chatbot) or not await DB.fetchval(
            "SELECT true FROM chatbot WHERE id = $1", data.chatbot
        ):
            raise Invalid(chatbot=texts.SEM_CHATBOT)
        campanha = Campanha(**given(data))
        await checked(campanha)
        await campanha.save()
        return Created(shown(campanha), f"/api/reativacao/campanhas/{campanha.id}/")

    @get("/{id:int}", summary="Mostra uma campanha")
    async def read(self, access: NamedDependency[Access], id: FromPath[int]) -> CampanhaOut:
        return shown(await mine(access, id))

    @put("/{id:int}", summary="Substitui uma campanha; de uma que começou, só o que ainda pode mudar")
    async def replace(
        self, access: NamedDependency[Access], id: FromPath[int], data: JSONBody[CampanhaIn]
    ) -> CampanhaOut:
        campanha = await mine(access, id)
        if data.chatbot != campanha.chatbot:
            raise Invalid(chatbot=texts.CHATBOT_NAO_MUDA)
        return await changed(campanha, data)

    @patch("/{id:int}", summary="Muda campos de uma campanha; de uma que começou, só o que ainda pode mudar")
    async def change(
        self, access: NamedDependency[Access], id: FromPath[int], data: JSONBody[CampanhaChange]
    ) -> CampanhaOut:
        return await changed(await mine(access, id), data)

    @delete("/{id:int}", summary="Apaga um rascunho")
    async def delete(self, access: NamedDependency[Access], id: FromPath[int]) -> None:
        campanha = await mine(access, id)
        gone = "DELETE FROM reativacao.campanha WHERE id = $1 AND estado = 'rascunho' RETURNING true"
        if not await DB.fetchval(gone, campanha.id):
            raise ClientException(detail=texts.SO_RASCUNHO_SE_APAGA, status_code=409)

    @get("/{id:int}/previa", summary="O que a campanha faria agora: quantos, como, por quanto, e quem não")
    async def previa(self, access: NamedDependency[Access], id: FromPath[int]) -> Previa:
        return await previa(await mine(access, id))

    @get("/{id:int}/resultados", summary="O que a campanha trouxe, ao lado do grupo de controle")
    async def resultados(self, access: NamedDependency[Access], id: FromPath[int]) -> ResultadosOut:
        campanha = await mine(access, id)
        achado = (await resultados.de([campanha.id]))[campanha.id]
        grupos = (_grupo(achado.avisados), _grupo(achado.controle))
        return ResultadosOut(*grupos, achado.na_fila, achado.custo, achado.receita_a_mais)

    @post(
        "/{id:int}/iniciar",
        summary="Inicia um rascunho: escreve a partir do próximo horário",
        status_code=200,
    )
    async def iniciar(self, access: NamedDependency[Access], id: FromPath[int]) -> CampanhaOut:
        return await _acted(campanhas.iniciar, access, id)

    @post("/{id:int}/pausar", summary="Pausa uma campanha, com o que espera na fila", status_code=200)
    async def pausar(self, access: NamedDependency[Access], id: FromPath[int]) -> CampanhaOut:
        return await _acted(campanhas.pausar, access, id)

    @post(
        "/{id:int}/retomar", summary="Retoma uma campanha pausada, com o que espera na fila", status_code=200
    )
    async def retomar(self, access: NamedDependency[Access], id: FromPath[int]) -> CampanhaOut:
        return await _acted(campanhas.retomar, access, id)

    @post("/{id:int}/parar", summary="Encerra uma campanha e retira o que espera na fila", status_code=200)
    async def parar(self, access: NamedDependency[Access], id: FromPath[int]) -> CampanhaOut:
        return await _acted(campanhas.parar, access, id)


async def _acted(action: Callable[[int, int], Awaitable[None]], access: Access, id: int) -> CampanhaOut:
    campanha = await mine(access, id)
    await action(campanha.id, campanha.chatbot)
    return shown(await mine(access, id))


def _grupo(grupo: resultados.Grupo) -> GrupoOut:
    return GrupoOut(**msgspec.structs.asdict(grupo))


def shown(row: Any) -> CampanhaOut:
    return msgspec.convert(row, CampanhaOut, from_attributes=True)


async def mine(access: Access, id: int) -> Campanha:
    """The campanha, if the caller may see it. Somebody else's looks as if it did not exist."""
    row = await Campanha.objects().where(Campanha.id == (id if 0 <= id < 2**63 else 0)).first()
    if row is None or not access.sees(row.chatbot):
        raise NotFoundException(detail=texts.SEM_CAMPANHA)
    return row


def given(data: CampanhaIn | CampanhaChange) -> dict[str, Any]:
    """The fields that were sent, their words as they can be stored and shown in one line."""
    sent = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not UNSET}
    fields = {name: _line(value) if isinstance(value, str) else value for name, value in sent.items()}
    if "parametros" in fields:
        fields["parametros"] = [_line(value) for value in fields["parametros"]]
    if fields.get("nome") == "":
        raise Invalid(nome=texts.NOME_VAZIO)
    return fields


async def changed(campanha: Campanha, data: CampanhaIn | CampanhaChange) -> CampanhaOut:
    """Write what is new. Raises Invalid for what does not change any more, and for what does not fit together."""
    new = {name: value for name, value in given(data).items() if value != getattr(campanha, name)}
    for name, value in new.items():
        setattr(campanha, name, value)
    async with DB.transaction():
        now = "SELECT estado, mailing FROM reativacao.campanha WHERE id = $1 FOR UPDATE"
        row = await DB.fetchrow(now, campanha.id)
        if row is None:
            raise NotFoundException(detail=texts.SEM_CAMPANHA)
        if row["estado"] != "rascunho":
            late = new.keys() if row["estado"] == "encerrada" else new.keys() - MUDAM_SEMPRE
            if late:
                raise Invalid(**dict.fromkeys(sorted(late), texts.JA_COMECOU))
        await checked(campanha, new.keys())
        if new:
            await campanha.save(columns=list(new))
        if row["mailing"] and row["estado"] != "encerrada":
            await Mailing(campanha.chatbot, row["mailing"]).keep_quiet(campanhas.silencio(campanha.to_dict()))
    return shown(await Campanha.objects().where(Campanha.id == campanha.id).first())


async def checked(campanha: Campanha, fields: Collection[str] = ("modelo",)) -> None:
    """Raises Invalid with every field that is wrong: about the template only if it, or what fills it, is new."""
    if not {"modelo", "idioma", "parametros", "minimo_pedidos"} & set(fields):
        return
    wrong = _wrong_parameters(campanha)
    modelo = await modelos.achar(campanha.chatbot, campanha.modelo, campanha.idioma)
    if modelo is None:
        wrong["modelo"] = texts.SEM_MODELO.format(nome=campanha.modelo, idioma=campanha.idioma)
    else:
        wrong = modelo.recusa(len(campanha.parametros)) | wrong
    if wrong:
        raise Invalid(**wrong)


def _wrong_parameters(campanha: Campanha) -> dict[str, str]:
    usados = set().union(*map(fatos_em, campanha.parametros))
    if estranhos := sorted(usados - set(FATOS)):
        fatos = ", ".join(f"{{{fato}}}" for fato in FATOS)
        return {"parametros": texts.FATO_DESCONHECIDO.format(fato=estranhos[0], fatos=fatos)}
    if campanha.minimo_pedidos == 0 and (de_pedidos := sorted(usados & set(DE_PEDIDOS))):
        return {"parametros": texts.FATO_DE_PEDIDOS.format(fato=de_pedidos[0])}
    return {}


def _line(text: str) -> str:
    return " ".join(clean(text).split())
