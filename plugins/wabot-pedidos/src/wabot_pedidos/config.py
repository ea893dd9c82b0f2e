"""What a business can set for its order flow."""

from typing import Annotated

import msgspec
from msgspec import Meta


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
