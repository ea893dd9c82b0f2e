"""What a business can set for its reports: the prices Meta charges it."""

from typing import Annotated

import msgspec
from msgspec import Meta

from wabot import Reais

MIL = "Quanto a Meta cobra por mil mensagens entregues. Zero: não se sabe."
Preco = Annotated[Reais, Meta(ge=0, le=100_000_000, description=MIL)]


class Config(msgspec.Struct, frozen=True):
    """Prices by the thousand: those of a single message are fractions of a centavo."""

    marketing_por_mil: Annotated[Preco, Meta(title="Mil mensagens de marketing")] = 0
    utilidade_por_mil: Annotated[Preco, Meta(title="Mil mensagens de utilidade")] = 0
    autenticacao_por_mil: Annotated[Preco, Meta(title="Mil mensagens de autenticação")] = 0
    servico_por_mil: Annotated[Preco, Meta(title="Mil mensagens de serviço além das gratuitas")] = 0
