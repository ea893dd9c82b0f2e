"""The order conversation: six etapas, from the greeting to the confirmation. The ids are public."""

from wabot import Ask, Choose, Context, End, Flow, Go, NotUnderstood, Option, Outcome, reais
from wabot_pedidos import texts
from wabot_pedidos.cardapio import Cardapio, Categoria, Produto
from wabot_pedidos.carrinho import Carrinho, impressao, recibo, resumo, revisar, total
from wabot_pedidos.pedidos import Pedidos, SemEstoque
from wabot_pedidos.quantidade import quantidade

pedidos = Flow(
    "pedidos",
    data=Carrinho,
    version=2,
    migrations={1: dict},  # a cart from before has no codigo, and gets one with its next item
    title="Fazer um pedido",
    keywords=["pedido", "pedir", "cardápio", "fazer pedido"],
)

ADICIONAR = Option("adicionar", texts.ADICIONAR)
FINALIZAR = Option("finalizar", texts.FINALIZAR)
ESVAZIAR = Option("esvaziar", texts.ESVAZIAR)
CANCELAR = Option("cancelar", texts.CANCELAR)
VOLTAR = Option("voltar", texts.VOLTAR)


@pedidos.etapa
async def inicio(ctx: Context[Carrinho]) -> Outcome:
    nome = f", {ctx.cliente.primeiro_nome}" if ctx.cliente.primeiro_nome else ""
    if not await ctx.get(Cardapio).categorias(ctx.bot.id):
        return _nothing_to_order(ctx, texts.OLA.format(nome=nome))
    return Go(selecionar_categoria, say=ctx.config.saudacao or texts.SAUDACAO.format(nome=nome))


@pedidos.etapa
async def selecionar_categoria(ctx: Context[Carrinho]) -> Outcome:
    def then(categoria: Categoria) -> Outcome:
        ctx.data.categoria = categoria.id
        return Go(selecionar_produto)

    categorias = await ctx.get(Cardapio).categorias(ctx.bot.id)
    if not categorias:
        return _nothing_to_order(ctx)
    if len(categorias) == 1:  # nothing to choose
        ctx.data.categoria = 0
        return Go(selecionar_produto)
    return Choose(texts.QUAL_CATEGORIA, among=categorias, then=then, button=texts.VER_CATEGORIAS)


@pedidos.etapa
async def selecionar_produto(ctx: Context[Carrinho]) -> Outcome:
    def then(escolha: Produto | Option) -> Outcome:
        if isinstance(escolha, Option):
            return Go(selecionar_categoria)
        ctx.data.produto = escolha.id
        return Go(informar_quantidade)

    produtos = await ctx.get(Cardapio).produtos(ctx.bot.id, ctx.data.categoria)
    if not produtos:
        ctx.data.categoria = 0
        return Go(selecionar_categoria, say=texts.CATEGORIA_VAZIA)
    among = [*produtos, VOLTAR] if ctx.data.categoria else produtos
    return Choose(texts.QUAL_PRODUTO, among=among, then=then, button=texts.VER_PRODUTOS)


@pedidos.etapa
async def informar_quantidade(ctx: Context[Carrinho]) -> Outcome:
    produto = await ctx.get(Cardapio).produto(ctx.bot.id, ctx.data.produto)
    if produto is None:  # sold out while the customer was typing
        return Go(selecionar_produto, say=texts.PRODUTO_ACABOU)
    maximo, no_carrinho = ctx.config.maximo_por_item, ctx.data.quantidade_de(produto.id)
    if full := _why_no_more(produto, maximo, no_carrinho):
        return Go(adicionar_mais, say=full)

    def check(words: str) -> int:
        return _quantas(words, produto, maximo, no_carrinho)

    def then(quantas: int) -> Outcome:
        ctx.data.add(produto, quantas)
        words = {"quantidade": quantas, "produto": produto.nome, "total": reais(ctx.data.total)}
        return Go(adicionar_mais, say=texts.NO_CARRINHO.format(**words))

    pergunta = texts.QUANTAS.format(produto=produto.nome, preco=reais(produto.preco))
    return Ask(pergunta, check=check, then=then, image=produto.imagem_url)


@pedidos.etapa
async def adicionar_mais(ctx: Context[Carrinho]) -> Outcome:
    def then(escolha: Option) -> Outcome:
        if escolha is FINALIZAR:
            return Go(confirmar_pedido)
        if escolha is ESVAZIAR:
            ctx.data.itens = []
            return Go(selecionar_categoria, say=texts.ESVAZIADO)
        return Go(selecionar_categoria)

    return Choose(texts.MAIS_ALGUMA_COISA, among=[ADICIONAR, FINALIZAR, ESVAZIAR], then=then)


@pedidos.etapa
async def confirmar_pedido(ctx: Context[Carrinho]) -> Outcome:
    no_cardapio = await ctx.get(Cardapio).por_id(ctx.bot.id, [item.produto for item in ctx.data.itens])
    revisado = revisar(ctx.data.itens, no_cardapio)
    # its key holds what is being confirmed: the Confirmar under an older summary never confirms another cart
    confirmar = Option(f"confirmar-{impressao(revisado.itens)}", texts.CONFIRMAR)

    async def then(escolha: Option) -> Outcome:
        if escolha is CANCELAR:
            ctx.event("pedido.desistiu", total=total(revisado.itens))
            return End(texts.CANCELADO)
        ctx.data.itens = revisado.itens
        if escolha is ADICIONAR:
            return Go(selecionar_categoria)
        try:
            pedido = await ctx.get(Pedidos).confirmar(ctx.bot.id, ctx.cliente.id, revisado.itens)
        except SemEstoque:
            return Go(confirmar_pedido, say=texts.MUDOU_AGORA)
        unidades = sum(item.quantidade for item in revisado.itens)
        ctx.event(
            "pedido.confirmado", pedido=pedido.id, numero=pedido.numero, total=pedido.total, itens=unidades
        )
        return End(recibo(pedido.numero, revisado.itens, ctx.config.despedida or texts.DESPEDIDA))

    if not revisado.itens:
        ctx.data.itens = []
        return Go(selecionar_categoria, say="\n".join([*revisado.avisos, texts.CARRINHO_VAZIO]))
    partes = ["\n".join(revisado.avisos), texts.CONFIRA, resumo(revisado.itens), texts.POSSO_CONFIRMAR]
    return Choose("\n\n".join(filter(None, partes)), among=[confirmar, ADICIONAR, CANCELAR], then=then)


def _nothing_to_order(ctx: Context[Carrinho], ola: str = "") -> Outcome:
    ctx.event("pedido.cardapio_vazio")
    return End(f"{ola} {texts.CARDAPIO_VAZIO}".lstrip())


def _why_no_more(produto: Produto, maximo: int, no_carrinho: int) -> str:
    """What to say if the cart already holds all it may of a product."""
    if produto.estoque is not None and produto.estoque <= no_carrinho:
        return texts.JA_PEGOU_TODAS.format(produto=produto.nome)
    if maximo <= no_carrinho:
        return texts.JA_TEM_O_MAXIMO.format(maximo=maximo, produto=produto.nome)
    return ""


def _quantas(words: str, produto: Produto, maximo: int, no_carrinho: int) -> int:
    """The quantity asked for, or a hint why not."""
    cabem = maximo - no_carrinho
    restam = cabem + 1 if produto.estoque is None else produto.estoque - no_carrinho
    quantas = quantidade(words, produto.nome)
    if not quantas:
        raise NotUnderstood(texts.DIGITE_QUANTIDADE.format(maximo=min(cabem, restam)))
    if quantas > restam and restam <= cabem:
        so_restam = texts.SO_RESTA_UMA if restam == 1 else texts.SO_RESTAM
        raise NotUnderstood(so_restam.format(restam=restam, produto=produto.nome))
    if quantas > cabem:
        demais = texts.QUANTIDADE_DEMAIS_JUNTO if no_carrinho else texts.QUANTIDADE_DEMAIS
        raise NotUnderstood(demais.format(maximo=maximo, produto=produto.nome, no_carrinho=no_carrinho))
    return quantas
