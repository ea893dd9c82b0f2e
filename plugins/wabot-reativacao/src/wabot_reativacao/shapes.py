"""What `/api/reativacao/campanhas/` takes and gives."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

Estado = Annotated[
    Literal["rascunho", "ativa", "pausada", "encerrada"], Meta(description="Onde a campanha está.")
]
Chatbot = Annotated[int, Meta(ge=1, le=2**31 - 1, description="O chatbot que escreve.", examples=[1])]
Nome = Annotated[
    str,
    Meta(min_length=1, max_length=100, description="Como a campanha se chama.", examples=["Saudade"]),
]
Modelo = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=512,
        pattern="^[a-z0-9_]+$",
        description="O nome do modelo aprovado na Meta, da categoria MARKETING.",
        examples=["saudade"],
    ),
]
Idioma = Annotated[
    str,
    Meta(pattern="^[a-z]{2,3}([_-][A-Za-z]{2,4})?$", description="O idioma do modelo.", examples=["pt_BR"]),
]
Parametro = Annotated[str, Meta(min_length=1, max_length=200)]
Parametros = Annotated[
    list[Parametro],
    Meta(
        max_length=20,
        description="O que vai em {{1}}, {{2}}… do corpo: palavras suas, ou {primeiro_nome}, {nome}, {ultimo_pedido} "
        "e {pedidos}.",
    ),
]
Dias = Annotated[
    int, Meta(ge=1, le=3650, description="Só quem não escreve nem pede há tantos dias.", examples=[30])
]
Pedidos = Annotated[
    int,
    Meta(ge=0, le=10_000, description="Só quem fez ao menos tantos pedidos desde que o plugin foi ligado."),
]
Observacao = Annotated[
    str, Meta(max_length=100, description="Só quem tem estas palavras nas observações; vazio: todos.")
]
Intervalo = Annotated[
    int,
    Meta(
        ge=1,
        le=365,
        description="Ninguém é escolhido de novo, por nenhuma campanha do chatbot, antes de tantos dias.",
    ),
]
Limite = Annotated[
    int,
    Meta(ge=1, le=100_000, description="No máximo tantas pessoas por dia, contando o grupo de controle."),
]
Controle = Annotated[
    int,
    Meta(
        ge=0,
        le=50,
        description="De cada cem escolhidos, quantos não recebem nada, para comparar.",
    ),
]
Hora = Annotated[
    str,
    Meta(
        pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$",
        description="HH:MM, no fuso do chatbot. Das e até iguais: sem horário de silêncio.",
        examples=["20:00"],
    ),
]
Momento = Annotated[datetime, Meta(description="UTC.")]


class CampanhaIn(msgspec.Struct, forbid_unknown_fields=True):
    """A new campanha, or all that can change of one."""

    chatbot: Chatbot
    nome: Nome
    modelo: Modelo
    idioma: Idioma = "pt_BR"
    parametros: Parametros = []
    inativo_dias: Dias = 30
    minimo_pedidos: Pedidos = 0
    observacao: Observacao = ""
    intervalo_dias: Intervalo = 30
    limite_diario: Limite = 500
    controle: Controle = 10
    silencio_das: Hora = "20:00"
    silencio_ate: Hora = "08:00"


class CampanhaChange(msgspec.Struct, forbid_unknown_fields=True):
    nome: Nome | UnsetType = UNSET
    modelo: Modelo | UnsetType = UNSET
    idioma: Idioma | UnsetType = UNSET
    parametros: Parametros | UnsetType = UNSET
    inativo_dias: Dias | UnsetType = UNSET
    minimo_pedidos: Pedidos | UnsetType = UNSET
    observacao: Observacao | UnsetType = UNSET
    intervalo_dias: Intervalo | UnsetType = UNSET
    limite_diario: Limite | UnsetType = UNSET
    controle: Controle | UnsetType = UNSET
    silencio_das: Hora | UnsetType = UNSET
    silencio_ate: Hora | UnsetType = UNSET


class CampanhaOut(msgspec.Struct):
    id: Annotated[int, Meta(description="O id.")]
    chatbot: Annotated[int, Meta(description="O chatbot que escreve.")]
    nome: Nome
    estado: Estado
    motivo: Annotated[str, Meta(description="Por que está pausada; vazio: não está.")]
    modelo: Modelo
    idioma: Idioma
    parametros: Parametros
    inativo_dias: Dias
    minimo_pedidos: Pedidos
    observacao: Observacao
    intervalo_dias: Intervalo
    limite_diario: Limite
    controle: Controle
    silencio_das: Hora
    silencio_ate: Hora
    criado_em: Momento
    iniciada_em: Annotated[datetime | None, Meta(description="UTC; nulo: ainda é rascunho.")]
    atualizado_em: Momento


class GrupoOut(msgspec.Struct):
    """What became of some of the people chosen. Of the control group nothing is sent."""

    pessoas: Annotated[int, Meta(description="Quantas foram escolhidas.")]
    enviadas: Annotated[int, Meta(description="Mensagens que a Meta aceitou.")]
    entregues: Annotated[int, Meta(description="Mensagens entregues.")]
    lidas: Annotated[int, Meta(description="Mensagens lidas, de quem deixa saber.")]
    responderam: Annotated[int, Meta(description="Pessoas que escreveram em até 30 dias.")]
    voltaram: Annotated[int, Meta(description="Pessoas que pediram em até 30 dias.")]
    receita: Annotated[int, Meta(description="O que essas pediram nesses dias, em centavos.")]


class ResultadosOut(msgspec.Struct):
    avisados: Annotated[GrupoOut, Meta(description="Quem recebeu, ou devia receber, a mensagem.")]
    controle: Annotated[GrupoOut, Meta(description="Quem foi escolhido e não recebeu nada, para comparar.")]
    na_fila: Annotated[int, Meta(description="Mensagens que ainda esperam a vez.")]
    custo: Annotated[int, Meta(description="Das mensagens entregues, em centavos, pela tabela de preços.")]
    receita_a_mais: Annotated[
        int | None,
        Meta(
            description="Receita além da que se esperaria sem a campanha, em centavos; nulo sem grupo de controle."
        ),
    ]
