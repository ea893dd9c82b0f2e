"""Notices: what each of Meta's fields changes here, once, in the order of Meta's time, and for whom."""

import importlib
import json
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from tests.conftest import in_database
from tests.live import SECRET, add_bot, platform

from wabot import identity, notices
from wabot.db import piccolo_migrations
from wabot.db.engine import DB
from wabot.doctor import examine
from wabot.message import Sender
from wabot.whatsapp.signature import sign

FOLDER = Path(__file__).parents[1] / "payloads" / "samples"
MIGRATIONS = Path(piccolo_migrations.__file__).parent
OURS = "wabot_2026_11_25t03_00_00"
WABA, NUMBER = "100000000000001", "5511900000001"
NATAL = ("reativacao_natal", "pt_BR")
AT = 1795000000


@pytest_asyncio.fixture
async def shop(database_uri, tmp_path):
    """Web only: the test itself says when the worker looks. Its number and account are those of the samples."""
    async with platform(database_uri, tmp_path, worker=False, plugin=None) as running:
        await DB.execute("UPDATE chatbot SET business_account_id = $1, numero = $2", WABA, NUMBER)
        await running.process.runtimes.load()
        yield running


async def arrives(shop, name, **changes):
    """A sample comes, with some of its words changed, and is acted on."""
    raw = next(FOLDER.glob(f"*/{name}.json")).read_text()
    for old, new in changes.items():
        raw = raw.replace(old, new)
    await brings(shop, json.loads(raw))


async def brings(shop, body):
    for entry in body["entry"]:
        entry["id"] = WABA
    raw = json.dumps(body).encode()
    assert (await shop.post(raw, sign(SECRET, raw))).status_code == 200
    await notices.apply()


def told(field, value, at=AT, waba=WABA):
    return {"entry": [{"id": waba, "time": at, "changes": [{"field": field, "value": value}]}]}


def becomes(event, at=AT, **more):
    value = {"event": event, "message_template_name": NATAL[0], "message_template_language": NATAL[1]}
    return told("message_template_status_update", value | more, at)


async def states():
    return [row["state"] for row in await DB.fetch("SELECT state FROM notice ORDER BY id")]


async def template(name=NATAL[0]):
    return dict(await DB.fetchrow("SELECT * FROM template WHERE name = $1", name))


async def facts():
    return {row["fact"]: row["value"] for row in await DB.fetch("SELECT fact, value FROM number_state")}


async def ledger():
    rows = await DB.fetch("SELECT accepts, who, how, wording, at FROM consent ORDER BY id")
    return [tuple(row) for row in rows]


async def accepts(phone_key="5531980000001"):
    return await DB.fetchval("SELECT aceita_marketing FROM cliente WHERE phone_key = $1", phone_key)


# -- people ------------------------------------------------------------------------------------------------------


async def test_a_stop_in_whatsapp_is_kept_with_its_proof_even_of_somebody_we_did_not_know(shop):
    await arrives(shop, "field__user_preferences_stop")
    [row] = await DB.fetch("SELECT consent.*, bsuid, nome FROM consent JOIN cliente ON cliente.id = cliente")
    assert (row["accepts"], row["who"], row["how"]) == (False, "cliente", "preferência no WhatsApp (stop)")
    assert (row["wording"], row["at"]) == ("User preference", datetime.fromtimestamp(AT, UTC))
    assert (row["bsuid"], row["nome"]) == ("BR.1000000000000001", "Cliente Teste")
    assert await accepts() is False
    assert await states() == ["tratada"]


async def test_somebody_known_only_by_user_id_can_stop_too(shop):
    await arrives(shop, "field__user_preferences_stop_bsuid_only")
    assert await DB.fetchval("SELECT bsuid FROM cliente") == "BR.1000000000000002"
    assert [row[0] for row in await ledger()] == [False]


async def test_resume_and_signup_are_consent_and_signup_names_its_id(shop):
    await arrives(shop, "field__user_preferences_resume")
    assert await accepts() is True
    await arrives(shop, "field__user_preferences_signup")
    assert (await ledger())[1][3] == "User preference (signup_id 800000000000001)"


async def test_what_was_said_last_counts_whatever_comes_last(shop):
    await arrives(shop, "field__user_preferences_resume", **{"1795000000": "1795000100"})
    await arrives(shop, "field__user_preferences_stop")
    assert await accepts() is True
    assert [row[0] for row in await ledger()] == [True, False]


async def test_a_choice_dated_in_the_future_does_not_outweigh_what_follows(shop):
    await arrives(shop, "field__user_preferences_resume", **{"1795000000": "7795000000"})
    await arrives(
        shop, "field__user_preferences_stop", **{"1795000000": str(int(datetime.now(UTC).timestamp()))}
    )
    [first, _] = await ledger()
    assert first[4] <= datetime.now(UTC)


async def test_other_categories_and_other_words_are_no_consent(shop):
    await arrives(shop, "field__user_preferences_stop", marketing_messages="novidades")
    await arrives(shop, "field__user_preferences_stop", **{'"stop"': '"maybe"'})
    assert await ledger() == []
    assert await states() == ["ignorada", "ignorada"]


async def test_a_new_user_id_finds_the_same_person(shop):
    await arrives(shop, "field__user_preferences_stop")
    await arrives(shop, "webhook__user_id_update_legacy_field")
    assert [row["bsuid"] for row in await DB.fetch("SELECT bsuid FROM cliente")] == ["BR.1000000000000009"]


async def test_who_wrote_under_a_new_user_id_before_the_notice_came_is_the_same_person(shop):
    await identity.conversas_of([(shop.bot.id, Sender(bsuid=f"BR.100000000000000{n}")) for n in (1, 9)])
    await arrives(shop, "webhook__user_id_update_legacy_field")
    assert await DB.fetchval("SELECT count(*) FROM cliente WHERE mesclado_em IS NULL") == 1


# -- the ledger --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["UPDATE consent SET accepts = true", "DELETE FROM consent"])
async def test_the_ledger_is_never_changed(shop, change):
    await arrives(shop, "field__user_preferences_stop")
    with pytest.raises(asyncpg.PostgresError, match="append-only"):
        await DB.execute(change)


async def test_a_cliente_who_is_erased_takes_the_ledger_along(shop):
    await arrives(shop, "field__user_preferences_stop")
    await DB.execute("DELETE FROM cliente")
    assert await ledger() == []


# -- templates ---------------------------------------------------------------------------------------------------


async def test_a_pause_is_kept_with_its_end(shop):
    await arrives(shop, "field__template_status_paused")
    kept = await template()
    assert (kept["status"], kept["category"], kept["language"]) == ("PAUSED", "MARKETING", "pt_BR")
    assert (kept["until"] - kept["status_at"]).total_seconds() == 3 * 3600
    await brings(shop, becomes("PAUSED", AT + 60, other_info={"title": "SECOND_PAUSE"}))
    kept = await template()
    assert (kept["until"] - kept["status_at"]).total_seconds() == 6 * 3600


async def test_a_language_is_one_however_meta_spells_it(shop):
    await arrives(shop, "field__template_status_null_reason_hyphen_language")
    assert (await template("pedido_pronto"))["language"] == "pt_BR"


async def test_a_status_told_late_changes_nothing(shop):
    await brings(shop, becomes("REINSTATED", AT + 60))
    await brings(shop, becomes("PAUSED", AT))
    assert (await template())["status"] == "APPROVED"
    assert await states() == ["tratada", "tratada"]


async def test_a_second_pause_in_the_same_words_is_news_and_a_repeated_webhook_is_not(shop):
    for event, at in (("PAUSED", AT), ("REINSTATED", AT + 60), ("PAUSED", AT + 120), ("PAUSED", AT + 120)):
        await brings(shop, becomes(event, at))
    assert (await template())["status"] == "PAUSED"
    assert len(await states()) == 3


async def test_quality_and_categories_are_kept(shop):
    await arrives(shop, "field__template_quality")
    assert (await template())["quality"] == "RED"
    await arrives(shop, "field__template_correct_category_detection")
    kept = await template()
    assert (kept["category"], kept["next_category"]) == ("UTILITY", "MARKETING")
    await arrives(shop, "field__template_category_changed", **{"1795000000": "1795000060"})
    kept = await template()
    assert (kept["category"], kept["next_category"]) == ("MARKETING", "")
    await arrives(shop, "field__template_category_change_announced", **{"1795000000": "1795000120"})
    assert (await template())["next_category"] == "MARKETING"
    await brings(shop, becomes("PAUSED", AT + 180, message_template_category="MARKETING"))
    assert (await template())["next_category"] == "MARKETING"


async def test_new_components_are_kept_and_their_placeholders_counted(shop):
    await arrives(shop, "webhook__template_components_update__element__all")
    kept = await template("order_confirmation")
    assert [part["type"] for part in json.loads(kept["components"])] == [
        "HEADER",
        "BODY",
        "FOOTER",
        "BUTTONS",
    ]
    assert kept["parameters"] == 2


# -- numbers and accounts ----------------------------------------------------------------------------------------


async def test_what_meta_says_of_the_number_or_its_account_is_a_fact(shop):
    for sample in ("field__phone_quality_onboarding", "field__phone_name_update", "field__security_pin"):
        await arrives(shop, sample)
    for sample in ("field__account_restriction", "webhook__accountBanned", "field__account_alerts_nested"):
        await arrives(shop, sample)
    assert await facts() == {
        "limit": "2K",
        "name": "REJECTED",
        "security": "PIN_CHANGED",
        "restriction:RESTRICTED_BIZ_INITIATED_MESSAGING": "ACTIVE",
        "account": "DISABLE_SCHEDULED",
        "alert:PROFILE_PICTURE_LOST": "WARNING",
    }
    assert set(await states()) == {"tratada"}


async def test_a_flagged_number_has_low_quality(shop):
    await arrives(shop, "webhook__qualityUpdate", **{"16505551111": "+55 11 90000-0001"})
    assert await facts() == {"quality": "RED", "limit": "10K"}


async def test_what_is_about_another_number_of_the_account_is_not_ours(shop):
    await arrives(shop, "field__security_pin", **{NUMBER: "5511900000099"})
    await arrives(shop, "field__account_alerts_nested", **{"200000000000001": "200000000000009"})
    assert (await facts(), await states()) == ({}, ["ignorada", "ignorada"])


async def test_an_account_that_is_reconnected_is_restricted_no_more(shop):
    await brings(
        shop,
        told(
            "account_update",
            {"event": "ACCOUNT_RESTRICTION", "restriction_info": [{"restriction_type": "X"}]},
        ),
    )
    await brings(shop, told("account_update", {"event": "ACCOUNT_RECONNECTED"}, AT + 1))
    assert await facts() == {"account": "OK"}


async def test_a_fault_of_the_number_counts_once_a_day(shop):
    value = {
        "metadata": {"phone_number_id": "200000000000001"},
        "errors": [{"code": 131031, "title": "Locked"}],
    }
    for _ in range(2):
        await brings(shop, told("messages", value))
    assert (await facts(), len(await states())) == ({"error:131031": "131031"}, 1)


async def test_events_that_are_no_state_and_fields_nobody_knows_are_kept_and_left_alone(shop):
    for sample in ("field__volume_tier", "field__unknown_future_field", "field__flow_status_change"):
        await arrives(shop, sample)
    assert (await states(), await facts()) == (["ignorada"] * 3, {})


# -- for whom, how often, and in spite of what ---------------------------------------------------------------------


async def test_a_notice_of_a_shared_account_concerns_each_of_its_chatbots(shop):
    await add_bot(shop.process.settings, "Filial", phone_number_id="2", business_account_id=WABA)
    await add_bot(
        shop.process.settings, "De outro", phone_number_id="3", business_account_id=WABA, app_secret="x"
    )
    await shop.process.runtimes.load()
    await arrives(shop, "field__template_status_paused")
    rows = await DB.fetch(
        "SELECT nome FROM template JOIN chatbot ON chatbot.id = chatbot ORDER BY chatbot.id"
    )
    assert [row["nome"] for row in rows] == ["Loja", "Filial"]


async def test_a_partners_notice_finds_the_account_it_names(shop):
    value = {"event": "PARTNER_REMOVED", "waba_info": {"waba_id": WABA, "owner_business_id": "1"}}
    raw = json.dumps(told("account_update", value, waba="999")).encode()
    assert (await shop.post(raw, sign(SECRET, raw))).status_code == 200
    await notices.apply()
    assert await facts() == {"account": "DISCONNECTED"}


async def test_a_poisonous_notice_is_set_back_and_then_left_alone_and_stops_no_other(
    shop, monkeypatch, caplog
):
    async def breaks(notice):
        raise ValueError("segredo da cliente")

    monkeypatch.setitem(notices.HANDLERS, "security", breaks)
    await arrives(shop, "field__security_pin")
    await arrives(shop, "field__template_quality")
    assert await states() == ["pendente", "tratada"]
    assert not await notices.waiting()
    for _ in notices.RETRY_AFTER:
        await DB.execute("UPDATE notice SET retry_at = now() WHERE state = 'pendente'")
        assert await notices.waiting()
        await notices.apply()
    row = await DB.fetchrow("SELECT state, tries, error FROM notice ORDER BY id LIMIT 1")
    assert tuple(row) == ("ignorada", 3, "ValueError: segredo da cliente")
    assert "segredo da cliente" not in caplog.text
    assert [
        finding.code
        for finding in (await examine(shop.process.settings)).findings
        if finding.code == "notice"
    ]


async def test_a_notice_that_fails_half_way_leaves_nothing_half_done(shop, monkeypatch):
    async def breaks(notice):
        await notices.HANDLERS["message_template_quality_update"](notice)
        raise ValueError

    monkeypatch.setitem(notices.HANDLERS, "message_template_status_update", breaks)
    await brings(shop, becomes("PAUSED", new_quality_score="RED"))
    assert await DB.fetchval("SELECT count(*) FROM template") == 0


async def test_what_comes_with_nonsense_in_every_place_is_left_alone(shop):
    for field in notices.HANDLERS:
        for value in (None, [], 7, "x", {}, {"event": [1]}, {"errors": 1}, {field: [None, 1, {}]}):
            await brings(shop, told(field, value))
    assert set(await states()) == {"ignorada"}


# -- the doctor ----------------------------------------------------------------------------------------------------


async def test_the_doctor_says_what_meta_holds_against_the_number_and_what_to_do(shop):
    now = int(datetime.now(UTC).timestamp())
    await brings(
        shop,
        told("account_update", {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}}, now),
    )
    flagged = {"event": "FLAGGED", "display_phone_number": NUMBER, "current_limit": "TIER_250"}
    await brings(shop, told("phone_number_quality_update", flagged, now))
    restricted = {"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": now + 3600}
    over = {"restriction_type": "RESTRICTED_UTILITY_TEMPLATES", "expiration": now - 3600}
    value = {"event": "ACCOUNT_RESTRICTION", "restriction_info": [restricted, over]}
    await brings(shop, told("account_update", value, now))
    said = [(f.severity, f.code, f.message) for f in (await examine(shop.process.settings)).findings]
    found = [one for one in said if one[1].startswith("number")]
    assert [(severity, code) for severity, code, _ in found] == [
        ("error", "number-stopped"),
        ("warning", "number"),
        ("warning", "number"),
    ]
    assert "a conta do WhatsApp foi desativada pela Meta" in found[0][2]
    assert "qualidade do número está baixa (RED)" in found[1][2]
    assert "só respostas são entregues" in found[2][2]


async def test_a_fault_of_the_number_is_told_with_what_mends_it(shop):
    value = {
        "metadata": {"phone_number_id": "200000000000001"},
        "errors": [{"code": 131031, "title": "Locked"}],
    }
    await brings(shop, told("messages", value, int(datetime.now(UTC).timestamp())))
    [found] = [f for f in (await examine(shop.process.settings)).findings if f.code == "number"]
    assert (found.severity, found.fix) == (
        "warning",
        "a conta foi bloqueada pela Meta. Veja o motivo no Meta Business e peça revisão.",
    )


async def test_the_doctor_names_templates_that_stand_still_or_get_dearer(shop):
    now = int(datetime.now(UTC).timestamp())
    await brings(shop, becomes("PAUSED", now))
    await arrives(shop, "field__template_correct_category_detection", reativacao_natal="aviso")
    found = [f for f in (await examine(shop.process.settings)).findings if f.code == "template"]
    assert "o modelo aviso (pt_BR) é UTILITY e a Meta o considera MARKETING" in found[0].message
    assert "o modelo reativacao_natal (pt_BR) está pausado pela Meta e não é usado. Até" in found[1].message
    assert all(finding.fix for finding in found)


# -- upgrading -----------------------------------------------------------------------------------------------------


async def test_what_was_kept_before_the_upgrade_is_acted_on_for_each_chatbot(server_uri):
    """A customer's stop must not be lost because it came a release too early."""
    name = "before_notices"
    earlier = [migration for migration in sorted(MIGRATIONS.glob("wabot_*.py")) if migration.stem < OURS]
    server = await asyncpg.connect(server_uri)
    await server.execute(f"CREATE DATABASE {name}")
    connection = await asyncpg.connect(in_database(server_uri, name))
    try:
        for migration in earlier:
            await run(connection, migration.stem)
        await connection.execute(
            """INSERT INTO chatbot (nome, numero, phone_number_id, business_account_id, timezone)
               SELECT 'Loja', '', n, '1', 'UTC' FROM generate_series(1, 2) AS n;
               INSERT INTO notice (chatbot, business_account_id, field, raw, digest)
               VALUES (1, '1', 'user_preferences', '', 'a'), (NULL, '1', 'account_update', '', 'b')"""
        )
        await run(connection, OURS)
        rows = await connection.fetch("SELECT chatbot, field, state FROM notice ORDER BY field, chatbot")
    finally:
        await connection.close()
        await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await server.close()
    assert [tuple(row) for row in rows] == [
        (1, "account_update", "pendente"),
        (2, "account_update", "pendente"),
        (None, "account_update", "ignorada"),
        (1, "user_preferences", "pendente"),
    ]


async def run(connection, migration):
    """A migration's SQL, in the order in which it stands."""
    module = importlib.import_module(f"{piccolo_migrations.__name__}.{migration}")
    for name, part in vars(module).items():
        if name.isupper() and name not in ("ID", "VERSION", "DESCRIPTION", "DB"):
            await connection.execute(part)
