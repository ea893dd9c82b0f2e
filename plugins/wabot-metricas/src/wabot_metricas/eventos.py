"""The events that are counted, and the fields of them that matter: see docs/events.md.

Any plugin may write events. One whose fields are not these is left out, rather than standing in the way of all others.
"""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

Many = Annotated[int, Meta(ge=0, le=10**12)]
Change = Annotated[int, Meta(ge=-(10**6), le=10**6)]
Name = Annotated[str, Meta(max_length=80)]


class Atendida(msgspec.Struct, frozen=True, tag_field="name", tag="mensagem.atendida"):
    flow: Name
    etapa: Name
    caminho: tuple[Name, ...]
    iniciada: bool
    encerrada: bool
    primeira: bool
    espera: Many
    respostas: Many


class NaoEntendida(msgspec.Struct, frozen=True, tag_field="name", tag="resposta.nao_entendida"):
    flow: Name
    etapa: Name


class Envios(msgspec.Struct, frozen=True, tag_field="name", tag="envios.contados"):
    hora: datetime
    categoria: Name
    enviadas: Change = 0
    entregues: Change = 0
    lidas: Change = 0
    falhas: Change = 0
    cobradas: Change = 0
    gratis: Change = 0


class Confirmado(msgspec.Struct, frozen=True, tag_field="name", tag="pedido.confirmado"):
    total: Many
    itens: Many


class Desistiu(msgspec.Struct, frozen=True, tag_field="name", tag="pedido.desistiu"):
    pass


Evento = Atendida | NaoEntendida | Envios | Confirmado | Desistiu

NAMES: tuple[str, ...] = tuple(kind.__struct_config__.tag for kind in Evento.__args__)
