"""Meta's errors: whether to send again, when, whose fault it is, and what the operator reads.

The same code may come as the answer to a request or later as a `failed` status. Only the code decides; Meta's
texts change and are for people.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

MINUTE, HOUR, DAY = 60, 3600, 86400

Fix = Literal["retry", "wait", "never", "configuration", "fault"]
Scope = Literal["message", "pair", "template", "number"]


class Failure(msgspec.Struct, frozen=True):
    """What one error code means for the message that met it."""

    code: int | None
    kind: Fix
    """retry: soon, ever later · wait: not before `wait` · never: this message will not arrive ·
    configuration: somebody must mend something first · fault: our data or our program."""
    operator: str
    """What it means and what to do, for the person at the panel."""
    wait: float = 0
    """Seconds before the first repetition."""
    growth: float = 1
    """By how much every further wait is longer."""
    longest: float = 3 * DAY
    """Seconds that no wait exceeds."""
    tries: int = 1
    """Sends in all, the first included."""
    scope: Scope = "message"
    """What the fault holds up: this message, this number with this person, a template, the whole number."""
    too_fast: bool = False
    """Whether it would not have happened to a number that sends more slowly. It costs no try: the message is well."""

    @property
    def costs_a_try(self) -> bool:
        """Not while it waits for others: a person who mends something, a number that slows down."""
        return not (self.too_fast or self.kind == "configuration")

    def is_tried_again(self, tries: int) -> bool:
        """Whether a message that met it is sent once more, after `tries` sends."""
        return not self.costs_a_try or (self.kind in ("retry", "wait") and tries < self.tries)

    @property
    def holds_number(self) -> bool:
        """Whether every other message of the number would be refused as well, until somebody mends something."""
        return self.kind == "configuration" and self.scope == "number"


def delay(failure: Failure, attempt: int) -> float:
    """Seconds to wait after the `attempt`-th send failed (the first is 1). The caller adds jitter."""
    exponent = min(
        attempt - 1, 64
    )  # beyond that every growth is past the longest wait, and a float may overflow
    return min(failure.wait * failure.growth**exponent, failure.longest)


def failure_for(code: int | None, http_status: int, *, is_transient: bool = False) -> Failure:
    """The row of a code. One we do not know is judged by HTTP status and by Meta's own `is_transient`.

    A `failed` status came over a webhook: its `http_status` is 200. 0 means that nobody answered at all.
    """
    known = FAILURES.get(code) if code is not None else None
    if known is not None:
        return known
    return msgspec.structs.replace(_default(http_status, is_transient), code=code)


def _default(http_status: int, is_transient: bool) -> Failure:
    if http_status == 0:
        return NO_CONNECTION
    if http_status == 429:
        return TOO_FAST
    if http_status >= 500 or is_transient:
        return META_DOWN
    return NO_ENTRY if http_status == 401 else UNKNOWN_FAULT


def _retry(
    operator: str, wait: float = 2, growth: float = 2, tries: int = 8, scope: Scope = "message"
) -> Failure:
    return Failure(None, "retry", operator, wait, growth, tries=tries, scope=scope)


def _outage(operator: str) -> Failure:
    """It is over when it is over: every five minutes, for as long as the outbox tries anything (a day)."""
    return Failure(None, "retry", operator, 2, 2, longest=5 * MINUTE, tries=300)


def _wait(operator: str, wait: float, tries: int = 4, scope: Scope = "number") -> Failure:
    return Failure(None, "wait", operator, wait, tries=tries, scope=scope)


def _too_fast(operator: str, wait: float, kind: Fix = "wait") -> Failure:
    return Failure(None, kind, operator, wait, scope="number", too_fast=True)


def _never(operator: str, scope: Scope = "message") -> Failure:
    return Failure(None, "never", operator, scope=scope)


def _mend(operator: str, scope: Scope = "number") -> Failure:
    """A number shows by one message a minute whether it works again; of a template, each message tries for itself."""
    return Failure(None, "configuration", operator, MINUTE if scope == "number" else 15 * MINUTE, scope=scope)


def _fault(operator: str) -> Failure:
    return Failure(None, "fault", operator)


META_DOWN = _outage(
    "A Meta está com um problema passageiro. O envio será repetido; não é preciso fazer nada."
)
NO_CONNECTION = _outage(
    "Não foi possível falar com a Meta. O envio será repetido; confira a rede do servidor."
)
TOO_FAST = _too_fast("A Meta pediu para enviar mais devagar. O envio continua sozinho.", 10)
NO_ENTRY = _mend("A Meta recusou a chave de acesso. Gere um novo token e grave-o no chatbot.")
UNKNOWN_FAULT = _fault(
    "A Meta recusou o envio por um motivo desconhecido. Avise o suporte com o código do erro."
)

_PERMISSION = _mend("O token não tem permissão para esta operação. Confira as permissões no Meta Business.")
_GROUP = _fault(
    "A operação não é possível neste grupo. O wabot não envia mensagens a grupos; avise o suporte."
)
_TEMPLATE_DATA = _fault(
    "Os dados enviados não combinam com o modelo. Compare as variáveis com o modelo aprovado."
)
_TEMPLATE_TEXT = _fault(
    "O texto do modelo foi recusado: quantidade, tamanho ou posição de algo nele. Corrija-o."
)
_MARKETING_API = _mend(
    "A API de mensagens de marketing não está disponível nesta conta. Use o envio comum.", "template"
)
_CALL = _never("A operação de chamada de voz não foi possível. O wabot não faz chamadas.")
_USERNAME = _mend(
    "O nome de usuário do WhatsApp não pôde ser alterado. Confira-o no Meta Business.", "message"
)
_FLOW = _fault("A operação com o formulário (Flow) não foi aceita. Confira a definição do formulário.")
_MIGRATION = _mend("A migração do número não terminou. Conclua-a no Meta Business antes de enviar.")
_MIGRATION_BUSY = _wait("A migração do número ainda está em andamento. Será tentado de novo.", HOUR)
_SIGNUP = _fault("O cadastro dentro do WhatsApp foi recusado. Confira o link e os dados dele.")
_HISTORY = _never(
    "O histórico do aplicativo do WhatsApp não pôde ser importado: prazo, limite ou recusa do dono."
)
_DIRECT_SEND = _fault("Este modelo vem do envio direto e não pode ser editado. Crie um modelo novo.")


def _table(*rows: tuple[int | Iterable[int], Failure]) -> dict[int, Failure]:
    return {
        code: msgspec.structs.replace(failure, code=code)
        for codes, failure in rows
        for code in ([codes] if isinstance(codes, int) else codes)
    }


FAILURES = _table(
    # The platform and its keys.
    (0, NO_ENTRY),
    (1, _retry("A Meta não entendeu o pedido ou falhou. Será tentado mais duas vezes.", tries=3)),
    (2, META_DOWN),
    (3, _PERMISSION),
    (4, _too_fast("O aplicativo chegou ao limite de chamadas à Meta. O envio continua sozinho.", 5 * MINUTE)),
    ((10, *range(200, 300)), _PERMISSION),
    (
        33,
        _mend(
            "O número não existe mais na Meta, ou o seu ID está errado. Confira o ID do número no chatbot."
        ),
    ),
    (100, _fault("A Meta recusou um campo do pedido. Avise o suporte com o código do erro.")),
    (190, _mend("O token de acesso venceu ou não vale mais. Gere um novo; o que está na fila será enviado.")),
    (368, _mend("A conta foi bloqueada por violar as políticas. Pare os envios e veja o Meta Business.")),
    (613, _wait("Consultas demais à Meta em pouco tempo. Será tentado de novo.", 5 * MINUTE)),
    (803, _fault("O objeto pedido não existe na Meta. Confira os IDs gravados no chatbot.")),
    (
        80007,
        _too_fast("A conta do WhatsApp chegou ao limite de chamadas. O envio continua sozinho.", 5 * MINUTE),
    ),
    # Sending.
    (130403, _never("A empresa bloqueou este cliente. Desbloqueie-o para poder escrever-lhe.", "pair")),
    (130429, _too_fast("Mensagens demais por segundo neste número. O envio fica mais lento.", 2, "retry")),
    (
        130472,
        _never("A Meta não entrega marketing a este cliente (grupo de teste dela). Não insista.", "pair"),
    ),
    (130497, _never("A empresa não pode enviar mensagens para este país.", "pair")),
    (130501, _GROUP),
    (131000, _retry("A Meta falhou sem dizer por quê. Será tentado mais duas vezes.", tries=3)),
    (131005, _mend("Acesso negado pela Meta. Confira as permissões do token.")),
    ((131008, 131009), _fault("Falta um campo no pedido, ou o valor não é aceito. Avise o suporte.")),
    (131016, META_DOWN),
    ((131020, 131041, 131059, *range(131201, 131216)), _GROUP),
    (131021, _fault("A mensagem ia para o próprio número do chatbot. Confira o telefone do cliente.")),
    (
        131026,
        _never("Não foi possível entregar: número sem WhatsApp, aplicativo antigo ou termos não aceitos."),
    ),
    (
        131030,
        _mend(
            "O destinatário não está na lista de testes. Inclua-o, ou publique o aplicativo na Meta.", "pair"
        ),
    ),
    (131031, _mend("A conta foi bloqueada pela Meta. Veja o motivo no Meta Business e peça revisão.")),
    (131037, _mend("O número ainda não tem um nome de exibição aprovado. Peça a aprovação na Meta.")),
    (131042, _mend("Há um problema no pagamento da conta. Regularize-o: até lá nada é entregue.")),
    (131044, _mend("Há um problema no pagamento das chamadas. O wabot não faz chamadas.", "message")),
    (131045, _mend("O número não está registrado na API (certificado). Registre-o de novo.")),
    (
        131047,
        _never("Passaram mais de 24 horas da última mensagem do cliente. Só um modelo aprovado pode ir."),
    ),
    (
        131048,
        _wait("A Meta limitou este número por denúncias ou baixa qualidade. Pare as campanhas.", 4 * HOUR),
    ),
    (131049, _wait("O cliente já recebeu muito marketing. Espere 24 horas ou mais.", DAY, 1, "pair")),
    (131050, _never("O cliente pediu para não receber marketing. Não envie mais campanhas a ele.", "pair")),
    (131051, _fault("O WhatsApp não aceita este tipo de mensagem. Avise o suporte.")),
    (
        131052,
        _never("O arquivo do cliente não pôde ser baixado. Peça que o envie de novo, se possível menor."),
    ),
    (
        131053,
        _retry("A Meta não conseguiu buscar o arquivo enviado. Confira o endereço e o formato.", tries=2),
    ),
    (131056, _retry("Mensagens demais para o mesmo cliente em pouco tempo.", 1, 4, 6, "pair")),
    (131057, _retry("A conta está em manutenção por cerca de um minuto.", 30, scope="number")),
    (131060, _never("A mensagem do cliente não está disponível. Peça que a envie de novo.")),
    (131062, _fault("Este modelo exige um telefone, e só se conhece o usuário. Peça o telefone ao cliente.")),
    (
        131063,
        _mend(
            "O envio de marketing por esta API está desligado. Ative-o ou use a API de marketing.", "template"
        ),
    ),
    (131064, _wait("Envio limitado por modelos na categoria errada. A Meta libera sozinha.", 6 * HOUR)),
    # Templates.
    (132000, _TEMPLATE_DATA),
    (
        132001,
        _mend(
            "O modelo não existe neste idioma ou não foi aprovado. Atualize a lista de modelos.", "template"
        ),
    ),
    (132005, _fault("O texto do modelo passou do tamanho depois de preenchido. Encurte os dados.")),
    (
        132007,
        _never(
            "O texto do modelo fere a política do WhatsApp. Reescreva-o e peça nova aprovação.", "template"
        ),
    ),
    ((132008, 132012, 132018), _TEMPLATE_DATA),
    (132015, _wait("O modelo está pausado por baixa qualidade. A campanha espera.", 3 * HOUR, 3, "template")),
    (132016, _mend("O modelo foi desativado para sempre por baixa qualidade. Crie outro.", "template")),
    (132021, _fault("O nome do modelo já é de um modelo de envio direto. Use outro nome.")),
    (
        132068,
        _mend("O formulário (Flow) está bloqueado. Confira a saúde do servidor dele na Meta.", "template"),
    ),
    (132069, _wait("O formulário (Flow) está limitado a 10 envios por hora.", HOUR, scope="template")),
    # Registering a number.
    (
        133000,
        _retry("Uma remoção do número ficou pela metade. Será tentado de novo.", 30, tries=4, scope="number"),
    ),
    (133004, _retry("O registro de números da Meta está ocupado.", 30, scope="number")),
    (133005, _mend("O PIN de duas etapas está errado. Informe o PIN certo ou redefina-o na Meta.")),
    (133006, _mend("O número precisa ser verificado de novo (SMS ou ligação) antes do registro.")),
    (133008, _wait("Tentativas demais com o PIN. Espere antes de tentar de novo.", 12 * HOUR)),
    (133009, _wait("O PIN foi informado rápido demais. Espere um pouco.", 10 * MINUTE)),
    (133010, _mend("O número não está registrado na API. Registre-o antes de enviar.")),
    (133015, _wait("O número acabou de ser removido. Espere cinco minutos.", 5 * MINUTE)),
    (133016, _wait("Limite de registros do número atingido. Espere 72 horas.", 3 * DAY)),
    (136024, _never("O número já estava verificado. Não é preciso fazer nada.")),
    # Payments and marketing API.
    (2040, _mend("Pagamentos no WhatsApp não estão disponíveis para este número.", "message")),
    (2046, _fault("O pedido não pode passar para este estado. Confira o estado atual do pedido.")),
    (2047, _fault("O pedido já não pode ser cancelado.")),
    (134011, _mend("Os termos de pagamento não foram aceitos. Aceite-os no Meta Business.", "message")),
    ((131055, 134100, 134102, 1752041), _MARKETING_API),
    (134101, _wait("A API de mensagens de marketing ainda está sendo preparada.", 10 * MINUTE)),
    # The rest: what wabot hardly calls, so that an operator still reads a sentence.
    (135000, _fault("A Meta recusou a combinação de campos da mensagem. Avise o suporte.")),
    (
        137000,
        _never("A identidade do cliente mudou (aparelho novo). Confirme com ele antes de enviar.", "pair"),
    ),
    (range(138000, 138019), _CALL),
    (range(139000, 139005), _FLOW),
    (range(139100, 139104), _fault("O bloqueio falhou: só entram clientes das últimas 24 horas.")),
    (range(147001, 147006), _USERNAME),
    ((2388019, 2388039, 2388040, 2388047, 2388072, 2388073, 2388293, 2388299), _TEMPLATE_TEXT),
    ((2388318, 2388330), _DIRECT_SEND),
    ((2388012, 2388091, 2388093, 2494100), _MIGRATION),
    (2388103, _MIGRATION_BUSY),
    (range(2494164, 2494180), _SIGNUP),
    (range(2593107, 2593110), _HISTORY),
)
"""Every code of Meta's list that concerns sending, templates or numbers (read November 2026)."""

MENDED_BY_TOKEN = frozenset({None, 0, 3, 10, 190, 131005, *range(200, 300)})
"""Codes after which somebody gives the chatbot another token; None: refused with HTTP 401 and no code."""
