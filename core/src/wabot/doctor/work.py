"""The work: what waits too long, what was set aside, who is there to do it, and what should have run by now."""

from wabot import agenda
from wabot.db.engine import DB
from wabot.dead import DROPPED, RESTORED
from wabot.doctor.findings import Finding, error, warning

# What waits for a number on hold is not stuck: that is a finding of its own.
STUCK = """
WITH free AS (
    SELECT * FROM outbox WHERE state IN ('pendente', 'enviando') AND NOT bulk
        AND NOT EXISTS (SELECT FROM number_hold WHERE number_hold.chatbot = outbox.chatbot)
)
SELECT (SELECT extract(epoch FROM now() - min(received_at))::int FROM inbox WHERE state = 'pendente') AS waiting,
       (SELECT extract(epoch FROM now() - min(created_at))::int FROM free
        WHERE state = 'pendente' AND retry_at IS NULL) AS unsent,
       (SELECT count(*) FROM free WHERE state = 'pendente' AND error_code IS NOT NULL) AS refused_for_now,
       (SELECT mode() WITHIN GROUP (ORDER BY error_code) FROM free WHERE state = 'pendente') AS code,
       (SELECT count(*) FROM free
        WHERE state = 'enviando' AND sending_at < now() - make_interval(secs => $1)) AS doubtful
"""
LATE_AFTER = 60
SET_ASIDE = """
SELECT count(*) FILTER (WHERE box = 'inbox' AND NOT restored) AS dead,
    count(*) FILTER (WHERE box = 'outbox' AND NOT restored) AS refused, count(*) FILTER (WHERE restored) AS restored
FROM (SELECT 'inbox' AS box, starts_with(error, $1) AS restored FROM inbox WHERE state = 'morta'
      UNION ALL
      SELECT 'outbox', starts_with(error, $1) FROM outbox
      WHERE state = 'falhou' AND NOT bulk AND NOT starts_with(error, $2)) AS letter
"""
# A pooler in between may hide the names; then ours is missing too, and nothing can be told.
CONNECTED = """
SELECT array_agg(DISTINCT application_name) FROM pg_stat_activity
WHERE datname = current_database() AND application_name ~ '^wabot'
"""
ANSWERING, RECEIVING = {"wabot worker", "wabot up"}, {"wabot web", "wabot up"}
ACTIVE = "SELECT count(*) FROM chatbot WHERE ativo"

JOBS = f"""
SELECT count(*) FILTER (WHERE next_run < now() - interval '10 minutes') AS late,
    min(next_run) FILTER (WHERE next_run < now() - interval '10 minutes') AS since,
    count(*) FILTER (WHERE NOT last_ok) AS failed, min(titulo) FILTER (WHERE NOT last_ok) AS failed_one
FROM ({agenda.ROWS}) AS agendamento WHERE enabled AND hindrance = ''
"""  # noqa: S608 - of constants
NOT_UNDERSTOOD = """
SELECT count(*) AS many, mode() WITHIN GROUP (ORDER BY why) AS why FROM quarantine
WHERE received_at > now() - interval '1 day'
"""
RUNNING = "confira se wabot worker está rodando"


async def backlog() -> list[Finding]:
    stuck = await DB.fetchrow(STUCK, LATE_AFTER)
    findings = []
    if (age := stuck["waiting"] or 0) > LATE_AFTER:
        findings.append(
            error("backlog", f"A mensagem mais antiga espera resposta há {age} segundos.", RUNNING)
        )
    if (age := stuck["unsent"] or 0) > LATE_AFTER:
        findings.append(error("unsent", f"A resposta mais antiga espera envio há {age} segundos.", RUNNING))
    if stuck["doubtful"]:
        message = f"{stuck['doubtful']} envios não têm resposta da Meta há mais de {LATE_AFTER} segundos."
        findings.append(error("doubtful", message, RUNNING))
    if waiting := stuck["refused_for_now"]:
        message = (
            f"{waiting} respostas foram recusadas, em geral com o código {stuck['code']}, e serão repetidas."
        )
        findings.append(warning("held", message, "veja as recusas no log do worker"))
    return findings


async def set_aside() -> list[Finding]:
    """Dead letters, and apart from them what a restore left for somebody to decide."""
    letters = await DB.fetchrow(SET_ASIDE, RESTORED, DROPPED)
    findings = []
    if letters["dead"]:
        message = f"{letters['dead']} mensagens não puderam ser respondidas e foram separadas."
        findings.append(warning("dead", message, "wabot dead list"))
    if letters["refused"]:
        message = f"{letters['refused']} respostas não puderam ser enviadas."
        findings.append(warning("refused", message, "wabot dead list"))
    if letters["restored"]:
        message = f"{letters['restored']} mensagens esperavam quando o backup foi feito e não foram enviadas de novo."
        fix = "veja-as: wabot dead list; depois, wabot dead retry --restored ou wabot dead drop --restored"
        findings.append(warning("restored", message, fix))
    return findings


async def processes() -> list[Finding]:
    """Who is connected to the database: by its names, so that no process has to say that it lives."""
    names = set(await DB.fetchval(CONNECTED) or ())
    if not names or not await DB.fetchval(ACTIVE):
        return []
    findings = []
    if not names & ANSWERING:
        message = "Nenhum worker está ligado ao banco: ninguém é respondido."
        findings.append(error("no-worker", message, "wabot up, ou wabot worker"))
    if not names & RECEIVING:
        message = "Nenhum processo web está ligado ao banco: a Meta não consegue entregar mensagens."
        findings.append(error("no-web", message, "wabot up, ou wabot web"))
    return findings


async def jobs() -> list[Finding]:
    row = await DB.fetchrow(JOBS)
    findings = []
    if row["late"]:
        message = (
            f"{row['late']} agendamentos não rodaram; o mais atrasado era das {row['since']:%d/%m %H:%M} UTC."
        )
        findings.append(error("late", message, "confira se wabot worker e wabot scheduler estão rodando"))
    if row["failed"]:
        message = f"{row['failed']} agendamentos falharam na última vez; um deles: {row['failed_one']}."
        findings.append(warning("job", message, "veja o motivo em /painel/ ou em /admin/, em agendamentos"))
    return findings


async def not_understood() -> list[Finding]:
    row = await DB.fetchrow(NOT_UNDERSTOOD)
    if not row["many"]:
        return []
    message = f"{row['many']} itens da Meta, no último dia, não eram para nenhum chatbot daqui ou não foram entendidos"
    fix = "confira phone_number_id e se o chatbot está ativo: wabot bots list"
    return [warning("quarantine", f"{message} ({row['why']}).", fix)]
