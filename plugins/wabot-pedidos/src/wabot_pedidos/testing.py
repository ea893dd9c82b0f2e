"""For tests: a catalogue that can be changed in mid-conversation, and orders kept in a list. No database."""

from collections.abc import Mapping, Sequence

import msgspec

from wabot_pedidos.cardapio import Cardapio, Categoria, Produto
from wabot_pedidos.carrinho import Item, total
from wabot_pedidos.pedidos import Confirmado, Pedidos, SemEstoque


class NaPrateleira(msgspec.Struct):
    """A product as the shop keeps it, also while it cannot be ordered. Change the fields at will."""

    id: int
    categoria: int
    nome: str
    preco: int
    descricao: str = ""
    disponivel: bool = True
    estoque: int | None = None
    imagem_url: str = ""

    @property
    def a_venda(self) -> bool:
        return self.disponivel and self.estoque != 0


class CardapioFixo(Cardapio):
    """A catalogue in memory: `CardapioFixo({"Bebidas": {"Guaraná": 790}})`, then `loja["Guaraná"].estoque = 3`.

    Categories stand in the order given; ids count from 1 over the whole catalogue.
    """

    def __init__(self, menu: Mapping[str, Mapping[str, int]], bot: int = 1) -> None:
        self.bot = bot
        self.prateleira: list[NaPrateleira] = []
        self.todas = [Categoria(number, nome) for number, nome in enumerate(menu, 1)]
        self.inativas: set[str] = set()
        """The names of categories that are switched off."""
        for categoria in self.todas:
            for nome, preco in menu[categoria.nome].items():
                self.prateleira.append(NaPrateleira(len(self.prateleira) + 1, categoria.id, nome, preco))

    def __getitem__(self, nome: str) -> NaPrateleira:
        return next(produto for produto in self.prateleira if produto.nome == nome)

    def __delitem__(self, nome: str) -> None:
        self.prateleira.remove(self[nome])

    async def categorias(self, bot: int) -> Sequence[Categoria]:
        com_produtos = {produto.categoria for produto in self._a_venda(bot)}
        return [categoria for categoria in self.todas if categoria.id in com_produtos]

    async def produtos(self, bot: int, categoria: int) -> Sequence[Produto]:
        return [_oferta(p) for p in self._a_venda(bot) if categoria in (0, p.categoria)]

    async def por_id(self, bot: int, ids: Sequence[int]) -> dict[int, Produto]:
        return {p.id: _oferta(p) for p in self._a_venda(bot) if p.id in ids}

    def _a_venda(self, bot: int) -> list[NaPrateleira]:
        ativas = {categoria.id for categoria in self.todas if categoria.nome not in self.inativas}
        found = [p for p in self.prateleira if bot == self.bot and p.a_venda and p.categoria in ativas]
        return sorted(found, key=lambda p: (p.categoria, p.nome))


class PedidosAnotados(Pedidos):
    """Orders in a list, numbered from 1, their stock taken from a CardapioFixo."""

    def __init__(self, cardapio: CardapioFixo) -> None:
        self.cardapio = cardapio
        self.anotados: list[tuple[int, list[Item]]] = []
        """Who ordered what: the cliente's id and the lines."""

    async def confirmar(
        self, bot: int, cliente: int, itens: Sequence[Item], observacoes: str = ""
    ) -> Confirmado:
        ofertas = await self.cardapio.por_id(bot, [item.produto for item in itens])
        if faltam := [item.produto for item in itens if _falta(ofertas.get(item.produto), item)]:
            raise SemEstoque(faltam)
        for item in itens:
            produto = next(p for p in self.cardapio.prateleira if p.id == item.produto)
            if produto.estoque is not None:
                produto.estoque -= item.quantidade
        self.anotados.append((cliente, list(itens)))
        return Confirmado(len(self.anotados), len(self.anotados), total(itens))


def _oferta(produto: NaPrateleira) -> Produto:
    return Produto(**{name: getattr(produto, name) for name in Produto.__struct_fields__})


def _falta(oferta: Produto | None, item: Item) -> bool:
    return oferta is None or (oferta.estoque is not None and oferta.estoque < item.quantidade)
