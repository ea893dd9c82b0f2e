"""Everything the order flow says. Change the words here; what stands in {braces} is filled in."""

from collections.abc import Sequence
from typing import Any

SAUDACAO = "Olá{nome}! 👋 Que bom ter você aqui. Vamos fazer o seu pedido?"
QUAL_CATEGORIA = "O que vai ser hoje?"
QUAL_PRODUTO = "Qual você prefere?"
VER_CATEGORIAS = "Ver categorias"
VER_PRODUTOS = "Ver produtos"
VOLTAR = "Voltar às categorias"

QUANTAS = "*{produto}*, {preco}.\n\nQuantas unidades você quer?"
DIGITE_QUANTIDADE = "Me diga a quantidade com um número, de 1 a {maximo}. Por exemplo: 2"
QUANTIDADE_DEMAIS = "Consigo até {maximo} unidades de {produto} por pedido. Quantas você quer?"
QUANTIDADE_DEMAIS_JUNTO = (
    "Consigo até {maximo} unidades de {produto} por pedido, e no carrinho já há {no_carrinho}. "
    "Quantas mais você quer?"
)
SO_RESTAM = "Temos só {restam} de {produto} no momento. Quantas você quer?"
SO_RESTA_UMA = "Temos só mais 1 unidade de {produto}. Se quiser, é só responder 1."
JA_PEGOU_TODAS = "Você já colocou no carrinho tudo o que temos de {produto}."
JA_TEM_O_MAXIMO = "Você já tem no carrinho o máximo de {maximo} unidades de {produto} por pedido."

NO_CARRINHO = "{quantidade} × {produto} no carrinho. ✅\nTotal até agora: {total}"
MAIS_ALGUMA_COISA = "Quer mais alguma coisa?"
ADICIONAR = "Adicionar mais"
FINALIZAR = "Finalizar pedido"
ESVAZIAR = "Esvaziar carrinho"
ESVAZIADO = "Pronto, esvaziei o carrinho."

CONFIRA = "Confira o seu pedido:"
LINHA = "{quantidade} × {produto} — {subtotal}"
TOTAL = "*Total: {total}*"
POSSO_CONFIRMAR = "Posso confirmar?"
CONFIRMAR = "Confirmar"
CANCELAR = "Cancelar"
CANCELADO = "Tudo bem, cancelei o pedido. Quando quiser, é só mandar um *oi*."
CONFIRMADO = "*Pedido nº {numero} confirmado!* 🎉"
DESPEDIDA = "Obrigado pela preferência!"

OLA = "Olá{nome}!"
CARDAPIO_VAZIO = "No momento não temos nada disponível para pedir. Tente de novo mais tarde, por favor."
CATEGORIA_VAZIA = "Os produtos dessa categoria acabaram."
PRODUTO_ACABOU = "Que pena, esse produto acabou de esgotar."
MUDOU_PRECO = "O preço de {produto} mudou de {antes} para {agora}."
MUDOU_QUANTIDADE = "Temos só {restam} de {produto}; ajustei a quantidade."
SAIU_DO_CARDAPIO = "{produto} esgotou e saiu do seu carrinho."
MUDOU_AGORA = "Enquanto você confirmava, o estoque mudou. Veja como ficou:"
CARRINHO_VAZIO = "O seu carrinho está vazio."

LEMBRETE = "Oi{nome}! O seu pedido ficou pela metade, e eu guardei o carrinho para você:"
LEMBRETE_CONTINUAR = "Quer terminar? É só responder por aqui. Para desistir, escreva *cancelar*."

STATUS = {
    "rascunho": "rascunho",
    "confirmado": "confirmado",
    "em_preparo": "em preparo",
    "saiu_para_entrega": "saiu para entrega",
    "entregue": "entregue",
    "cancelado": "cancelado",
}


def relatorio(expirados: Sequence[int], parados: Sequence[Any], horas: int, lembrados: int) -> str:
    """What the verification of orders tells the shop."""
    presos = ", ".join(f"nº {pedido['numero']} ({STATUS[pedido['status']]})" for pedido in parados)
    numeros = ", ".join(f"nº {numero}" for numero in expirados)
    partes = [
        f"Pedidos que expiraram e foram cancelados: {numeros}." if expirados else "",
        f"Carrinhos lembrados: {lembrados}." if lembrados else "",
        f"Parados há mais de {horas} h: {presos}." if parados else "",
    ]
    return " ".join(filter(None, partes)) or "Tudo em dia."
