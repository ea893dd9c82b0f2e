"""What `/api/pedidos/…` takes and gives. Prices and totals are integer centavos."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

Id = Annotated[int, Meta(ge=1, le=2**31 - 1)]
BigId = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Nome = Annotated[str, Meta(min_length=1, max_length=100)]
Texto = Annotated[str, Meta(max_length=1000)]
Ordem = Annotated[int, Meta(ge=0, le=10_000)]
Centavos = Annotated[int, Meta(ge=0, le=100_000_000, description="centavos")]
Estoque = Annotated[int, Meta(ge=0, le=1_000_000)] | None
Link = Annotated[str, Meta(max_length=2000, pattern=r"^(https?://\S+)?$")]
Status = Literal["rascunho", "confirmado", "em_preparo", "saiu_para_entrega", "entregue", "cancelado"]

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
    id: int
    chatbot: int
    nome: str
    descricao: str
    ordem: int
    ativo: bool


class CategoriaIn(msgspec.Struct, forbid_unknown_fields=True):
    chatbot: Id
    nome: Nome
    descricao: Texto = ""
    ordem: Ordem = 0
    ativo: bool = True


class CategoriaChange(msgspec.Struct, forbid_unknown_fields=True):
    nome: Nome | UnsetType = UNSET
    descricao: Texto | UnsetType = UNSET
    ordem: Ordem | UnsetType = UNSET
    ativo: bool | UnsetType = UNSET


class ProdutoOut(msgspec.Struct):
    id: int
    chatbot: int
    categoria: int
    nome: str
    descricao: str
    preco: int
    disponivel: bool
    estoque: int | None
    imagem_url: str


class ProdutoIn(msgspec.Struct, forbid_unknown_fields=True):
    chatbot: Id
    categoria: BigId
    nome: Nome
    preco: Centavos
    descricao: Texto = ""
    disponivel: bool = True
    estoque: Estoque = None
    imagem_url: Link = ""


class ProdutoChange(msgspec.Struct, forbid_unknown_fields=True):
    categoria: BigId | UnsetType = UNSET
    nome: Nome | UnsetType = UNSET
    preco: Centavos | UnsetType = UNSET
    descricao: Texto | UnsetType = UNSET
    disponivel: bool | UnsetType = UNSET
    estoque: Estoque | UnsetType = UNSET
    imagem_url: Link | UnsetType = UNSET


class ItemOut(msgspec.Struct):
    produto: int
    nome: str
    preco: int
    quantidade: int
    subtotal: int


class PedidoOut(msgspec.Struct, kw_only=True):
    id: int
    chatbot: int
    cliente: int | None
    """None: the person was erased."""
    numero: int
    status: str
    itens: list[ItemOut] = []
    total: int
    observacoes: str
    criado_em: datetime
    atualizado_em: datetime


class ItemIn(msgspec.Struct, forbid_unknown_fields=True):
    produto: BigId
    quantidade: Annotated[int, Meta(ge=1, le=9_999)]


class PedidoIn(msgspec.Struct, forbid_unknown_fields=True):
    """A new order: prices and totals are the server's."""

    cliente: BigId
    itens: Annotated[list[ItemIn], Meta(min_length=1, max_length=200)]
    observacoes: Texto = ""


class PedidoReplace(msgspec.Struct, forbid_unknown_fields=True):
    """All that can change about an order: what was ordered, and at which price, stays."""

    status: Status
    observacoes: Texto = ""


class PedidoChange(msgspec.Struct, forbid_unknown_fields=True):
    status: Status | UnsetType = UNSET
    observacoes: Texto | UnsetType = UNSET
