"""What a business can set for its reports: the prices Meta charges it."""

from typing import Annotated

import msgspec
from msgspec import Meta

from wabot import Reais


class Config(msgspec.Struct, frozen=True):
    """Prices of a thousand messages of each category: one alone costs fractions of a centavo. 0: not known."""

    marketing_por_mil: Annotated[
        Reais,
        Meta(
            ge=0,
            le=100_000_000,
            title="Mil mensagens de marketing",
            description="Quanto a Meta cobra por mil.",
        ),
    ] = 0
    utilidade_por_mil: Annotated[
        Reais,
        Meta(
            ge=0,
            le=100_000_000,
            title="Mil mensagens de utilidade",
            description="Quanto a Meta cobra por mil.",
        ),
    ] = 0
    autenticacao_por_mil: Annotated[
        Reais,
        Meta(
            ge=0,
            le=100_000_000,
            title="Mil mensagens de autenticação",
            description="Quanto a Meta cobra por mil.",
        ),
    ] = 0
