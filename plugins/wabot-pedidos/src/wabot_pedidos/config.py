"""What a business can set for its order flow."""

from datetime import time
from typing import Annotated

import msgspec
from msgspec import Meta

from wabot import Horario

Horas = Annotated[int, Meta(ge=1, le=2160)]


class Config(msgspec.Struct, frozen=True):
    """The order flow's settings for one chatbot."""

    saudacao: Annotated[str, Meta(max_length=300, title="Saudação", description="Vazia: a do plugin.")] = ""
    despedida: Annotated[
        str,
        Meta(
            max_length=300,
            title="Despedida",
            description="O que se diz depois de confirmar: prazo, retirada…",
        ),
    ] = ""
    maximo_por_item: Annotated[int, Meta(ge=1, le=999, title="Máximo por item")] = 99
    lembrar_carrinho: Annotated[
        bool,
        Meta(
            title="Lembrar de carrinhos esquecidos",
            description="Uma vez por carrinho, enquanto o WhatsApp deixa: até 24 horas da última mensagem do cliente.",
        ),
    ] = True
    lembrar_depois_de: Annotated[
        int, Meta(ge=1, le=20, title="Lembrar depois de", description="Horas sem resposta do cliente.")
    ] = 2
    lembrar_entre: Annotated[Horario, Meta(title="Lembrar só entre")] = Horario(time(8), time(21))
    lembrete: Annotated[
        str,
        Meta(
            max_length=300,
            title="Lembrete",
            description="Vai antes da lista do carrinho. Vazio: o do plugin.",
        ),
    ] = ""
    expirar_depois_de: Annotated[
        Horas | None,
        Meta(
            title="Cancelar pedidos novos depois de",
            description="Horas sem ninguém mexer em um pedido confirmado: ele expira e o estoque volta. Vazio: nunca.",
        ),
    ] = None
    avisar_parado_depois_de: Annotated[
        int,
        Meta(
            ge=1,
            le=720,
            title="Avisar de pedidos parados depois de",
            description="Horas em preparo ou em entrega sem mudança.",
        ),
    ] = 24
