"""What `/api/pedidos/…` takes and gives. Prices and totals are integer centavos."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

Id = Annotated[int, Meta(ge=1, le=2**31 - 1, description="O chatbot da loja.", examples=[1])]
BigId = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Nome = Annotated[
    str, Meta(min_length=1, max_length=100, description="Como aparece no cardápio.", examples=["Feijoada"])
]
Texto = Annotated[str, Meta(max_length=1000, description="Texto livre.")]
Ordem = Annotated[int, Meta(ge=0, le=10_000, description="O lugar na lista: o menor vem primeiro.")]
Centavos = Annotated[int, Meta(ge=0, le=100_000_000, description="Em centavos.", examples=[2990])]
Estoque = Annotated[int, Meta(ge=0, le=1_000_000, description="Unidades; null: não é contado.")] | None
Link = Annotated[
    str,
    Meta(
        max_length=2000,
        pattern=r"^(https?://[!-~]+)?$",
        description="Onde está a foto; vazio: sem foto.",
        examples=["https://example.com/feijoada.jpg"],
    ),
]
Ativo = Annotated[bool, Meta(description="Falso: não aparece no cardápio.")]
Disponivel = Annotated[bool, Meta(description="Falso: não pode ser pedido agora.")]
Quantidade = Annotated[int, Meta(ge=1, le=9_999, description="Unidades.")]
CategoriaId = Annotated[int, Meta(ge=1, le=2**63 - 1, description="A categoria em que está.")]
ProdutoId = Annotated[int, Meta(ge=1, le=2**63 - 1, description="O produto.")]
Numero = Annotated[int, Meta(description="O id.")]
De = Annotated[int, Meta(description="O chatbot da loja.")]
Hora = Annotated[datetime, Meta(description="UTC.")]
Status = Literal["rascunho", "confirmado", "em_preparo", "saiu_para_entrega", "entregue", "cancelado"]
Situacao = Annotated[Status, Meta(description="Onde o pedido está: de cada um só se vai adiante.")]

NEXT: dict[str, set[str]] = {
    "rascunho": {"confirmado", "cancelado"},
    "confirmado": {"em_preparo", "saiu_para_entrega", "entregue", "cancelado"},
    "em_preparo": {"saiu_para_entrega", "entregue", "cancelado"},
    "saiu_para_entrega": {"entregue", "cancelado"},
    "entregue": set(),
    "cancelado": set(),
}
"""Where an order may go from where it is."""


class CategoriaOut(msgspec.Struct):
    id: Numero
    chatbot: De
    nome: Nome
    descricao: Texto
    ordem: Ordem
    ativo: Ativo


class CategoriaIn(msgspec.Struct, forbid_unknown_fields=True):
    chatbot: Id
    nome: Nome
    descricao: Texto = ""
    ordem: Ordem = 0
    ativo: Ativo = True


class CategoriaChange(msgspec.Struct, forbid_unknown_fields=True):
    nome: Nome | UnsetType = UNSET
    descricao: Texto | UnsetType = UNSET
    ordem: Ordem | UnsetType = UNSET
    ativo: Ativo | UnsetType = UNSET


class ProdutoOut(msgspec.Struct):
    id: Numero
    chatbot: De
    categoria: Annotated[int, Meta(description="A categoria em que está.")]
    nome: Nome
    descricao: Texto
    preco: Centavos
    disponivel: Disponivel
    estoque: Estoque
    imagem_url: Link


class ProdutoIn(msgspec.Struct, forbid_unknown_fields=True):
    chatbot: Id
    categoria: CategoriaId
    nome: Nome
    preco: Centavos
    descricao: Texto = ""
    disponivel: Disponivel = True
    estoque: Estoque = None
    imagem_url: Link = ""


class ProdutoChange(msgspec.Struct, forbid_unknown_fields=True):
    categoria: CategoriaId | UnsetType = UNSET
    nome: Nome | UnsetType = UNSET
    preco: Centavos | UnsetType = UNSET
    descricao: Texto | UnsetType = UNSET
    disponivel: Disponivel | UnsetType = UNSET
    estoque: Estoque | UnsetType = UNSET
    imagem_url: Link | UnsetType = UNSET


class ItemOut(msgspec.Struct):
    """A line as it was ordered: it stays so when the product changes or goes."""

    produto: Annotated[int, Meta(description="O produto, enquanto existir.")]
    nome: Annotated[str, Meta(description="Como se chamava ao ser pedido.")]
    preco: Annotated[int, Meta(description="De uma unidade, em centavos.")]
    quantidade: Quantidade
    subtotal: Annotated[int, Meta(description="Em centavos.")]


class PedidoOut(msgspec.Struct, kw_only=True):
    id: Numero
    chatbot: De
    cliente: Annotated[int | None, Meta(description="De quem é; nulo se os dados da pessoa foram apagados.")]
    numero: Annotated[int, Meta(description="O que o cliente lê: conta de 1 em cada chatbot.")]
    status: Situacao
    itens: Annotated[list[ItemOut], Meta(description="O que foi pedido.")] = []
    total: Annotated[int, Meta(description="Em centavos.")]
    observacoes: Texto
    criado_em: Hora
    atualizado_em: Hora


class ItemIn(msgspec.Struct, forbid_unknown_fields=True):
    produto: ProdutoId
    quantidade: Quantidade


class PedidoIn(msgspec.Struct, forbid_unknown_fields=True):
    """A new order: prices and totals are the server's."""

    cliente: Annotated[BigId, Meta(description="De quem é; dele vem o chatbot.")]
    itens: Annotated[
        list[ItemIn], Meta(min_length=1, max_length=200, description="Preços e total são do servidor.")
    ]
    observacoes: Texto = ""


class PedidoReplace(msgspec.Struct, forbid_unknown_fields=True):
    """All that can change about an order: what was ordered, and at which price, stays."""

    status: Situacao
    observacoes: Texto = ""


class PedidoChange(msgspec.Struct, forbid_unknown_fields=True):
    status: Situacao | UnsetType = UNSET
    observacoes: Texto | UnsetType = UNSET
