"""What a campanha would do if it ran now: to how many, in which words, for how much, and who is left out and why."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from wabot import DB
from wabot_reativacao import modelos, publico, texts
from wabot_reativacao.campanhas import hoje_de, impedimento
from wabot_reativacao.parametros import escrito, preenchidos
from wabot_reativacao.precos import em_centavos, preco, tabela_de

AMOSTRA = 3

Centavos = Annotated[int, Meta(description="Em centavos.")]


class Mensagem(msgspec.Struct):
    """The message as one cliente would read it."""

    cliente: Annotated[int, Meta(description="Para quem seria.")]
    texto: Annotated[str, Meta(description="O corpo do modelo, preenchido.")]


class Motivo(msgspec.Struct):
    """Why some are left out. Each person counts once, for the first reason that fits."""

    motivo: Annotated[str, Meta(description="O código do motivo.")]
    descricao: Annotated[str, Meta(description="O motivo, para pessoas.")]
    quantos: Annotated[int, Meta(description="Quantos clientes.")]


class Previa(msgspec.Struct):
    """What would happen."""

    publico: Annotated[int, Meta(description="Quantos clientes cabem nos critérios agora.")]
    hoje: Annotated[int, Meta(description="Quantos seriam escolhidos num dia, com o grupo de controle.")]
    mensagens: Annotated[
        int, Meta(description="Quantas mensagens isso daria ao todo, sem o grupo de controle.")
    ]
    preco_unitario: Annotated[
        int, Meta(description="De uma mensagem entregue, em décimos de milésimo de real: 3217 é R$ 0,3217.")
    ]
    custo: Centavos
    preco_desde: Annotated[str, Meta(description="Desde quando vale a tabela de preços usada.")]
    preco_fonte: Annotated[str, Meta(description="De onde vem a tabela.")]
    amostra: Annotated[list[Mensagem], Meta(description="Como ficaria para os primeiros.")]
    fora: Annotated[list[Motivo], Meta(description="Quem fica de fora, e por quê.")]
    impedimento: Annotated[str, Meta(description="O que impede a campanha agora; vazio: nada.")]


async def previa(campanha: Any) -> Previa:
    """Of a row of the table."""
    quem, dia = publico.criterios(campanha), await hoje_de(campanha.chatbot)
    contagem = await publico.contar(quem, dia)
    modelo = await modelos.achar(campanha.chatbot, campanha.modelo, campanha.idioma)
    categoria = modelo.categoria if modelo else modelos.MARKETING
    mensagens = contagem.dentro - contagem.dentro * campanha.controle // 100
    tabela = tabela_de(dia)
    return Previa(
        publico=contagem.dentro,
        hoje=min(contagem.dentro, campanha.limite_diario),
        mensagens=mensagens,
        preco_unitario=preco(categoria, dia),
        custo=em_centavos([(categoria, dia, mensagens)]),
        preco_desde=tabela.desde.isoformat(),
        preco_fonte=tabela.fonte,
        amostra=await _amostra(campanha, quem, dia, modelo.corpo if modelo else ""),
        fora=[
            Motivo(motivo, descricao, contagem.fora[motivo])
            for motivo, descricao in texts.FORA.items()
            if motivo in contagem.fora
        ],
        impedimento=await impedimento(campanha.chatbot, campanha.modelo, campanha.idioma),
    )


async def _amostra(campanha: Any, quem: publico.Criterios, dia: Any, corpo: str) -> list[Mensagem]:
    zona = await DB.fetchval("SELECT timezone FROM chatbot WHERE id = $1", campanha.chatbot)
    pessoas = await publico.amostra(quem, dia, AMOSTRA)
    return [
        Mensagem(pessoa.cliente, escrito(corpo, preenchidos(campanha.parametros, pessoa, zona)))
        for pessoa in pessoas
    ]
