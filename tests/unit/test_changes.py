"""What Meta's notices say, sample by sample: the facts about a number, the state of a template, people's choices."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wabot.whatsapp import changes, facts
from wabot.whatsapp.changes import Renamed, TemplateStatus
from wabot.whatsapp.facts import Fact
from wabot.whatsapp.loose import parsed
from wabot.whatsapp.payloads import account_named, read

FOLDER = Path(__file__).parents[1] / "payloads" / "samples"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
NUMBER = "5511900000001"


def notice(name):
    [found] = read(next(FOLDER.glob(f"*/{name}.json")).read_bytes()).notices
    return found


def value(name):
    return parsed(notice(name).raw)["value"]


@pytest.mark.parametrize(
    ("reader", "sample", "said"),
    [
        (facts.phone_quality, "field__phone_quality_onboarding", [Fact("limit", "2K")]),
        (
            facts.phone_quality,
            "field__phone_quality_throughput_upgrade",
            [Fact("limit", "UNLIMITED"), Fact("throughput", "HIGH", number=NUMBER)],
        ),
        (
            facts.phone_quality,
            "webhook__qualityUpdate",
            [Fact("limit", "10K"), Fact("quality", "RED", number="16505551111")],
        ),
        (facts.limit, "field__business_capability_int", [Fact("limit", "2K")]),
        (facts.limit, "field__business_capability_tier_string", [Fact("limit", "100K")]),
        (
            facts.name_decision,
            "field__phone_name_update",
            [Fact("name", "REJECTED", "Loja Teste · NAME_NOT_CONSISTENT", number=NUMBER)],
        ),
        (
            facts.name_decision,
            "webhook__phoneNumberNameUpdate",
            [Fact("name", "APPROVED", "WhatsApp", number="16505551111")],
        ),
        (facts.security, "field__security_pin", [Fact("security", "PIN_CHANGED", number=NUMBER)]),
        (
            facts.alert,
            "field__account_alerts_nested",
            [
                Fact(
                    "alert:PROFILE_PICTURE_LOST",
                    "WARNING",
                    "Profile picture was lost.",
                    number="200000000000001",
                ),
            ],
        ),
        (
            facts.alert,
            "field__account_alerts_flat_older",
            [Fact("alert:OBA_APPROVED", "INFORMATIONAL", "Approved.")],
        ),
        (
            facts.account,
            "field__account_restriction",
            [
                Fact(
                    "restriction:RESTRICTED_BIZ_INITIATED_MESSAGING",
                    "ACTIVE",
                    until=datetime.fromtimestamp(1795259200, UTC),
                )
            ],
        ),
        (
            facts.account,
            "webhook__accountBanned",
            [Fact("account", "DISABLE_SCHEDULED", "January 31, 2021")],
        ),
        (
            facts.account,
            "webhook__account_update__account_disabled",
            [Fact("account", "OK", "April 17, 2025")],
        ),
        (facts.account, "webhook__account_update__account_deleted", [Fact("account", "DELETED")]),
        (facts.account, "webhook__account_update__account_offboarded", [Fact("account", "DISCONNECTED")]),
        (facts.account, "webhook__account_update__account_reconnected", [Fact("account", "OK")]),
        (facts.account, "webhook__account_update__account_violation", [Fact("violation", "ADULT")]),
        (facts.account, "webhook__account_update__partner_removed", [Fact("account", "DISCONNECTED")]),
        (
            facts.account,
            "webhook__account_update__partner_removed_wa_app_disconnection",
            [Fact("account", "DISCONNECTED", "PRIMARY_INACTIVITY")],
        ),
        (facts.account, "webhook__account_update__ad_account_linked", []),
        (facts.account, "webhook__account_update__pricing_tiering_update", []),
        (facts.account, "webhook__verifiedAccount", []),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_what_is_said_of_a_number_or_an_account(reader, sample, said):
    assert reader(value(sample), NOON) == said


@pytest.mark.parametrize(
    ("sample", "said"),
    [
        (
            "field__template_status_paused",
            TemplateStatus(
                "PAUSED",
                "Your WhatsApp message template has been paused for 3 hours.",
                NOON + timedelta(hours=3),
            ),
        ),
        ("field__template_status_disabled", TemplateStatus("DISABLED", "1795000000")),
        ("field__template_status_rejected", TemplateStatus("REJECTED", "Variables at start of body")),
        ("webhook__rejectedTemplate", TemplateStatus("REJECTED", "SCAM")),
        ("webhook__templateSchedulingForDisabling", TemplateStatus("FLAGGED", "January 31, 2021")),
        ("webhook__template_status_update__approved", TemplateStatus("APPROVED")),
        ("field__template_status_null_reason_hyphen_language", TemplateStatus("APPROVED")),
    ],
)
def test_what_is_said_of_a_template(sample, said):
    assert changes.template_status(value(sample), NOON) == said


def test_the_second_pause_is_longer_and_a_reinstated_template_is_an_approved_one():
    again = changes.template_status({"event": "PAUSED", "other_info": {"title": "SECOND_PAUSE"}}, NOON)
    assert again.until == NOON + timedelta(hours=6)
    assert changes.template_status({"event": "REINSTATED"}, NOON) == TemplateStatus("APPROVED")


def test_the_components_told_by_a_notice_have_the_shape_of_metas_list():
    parts = changes.components_of(value("webhook__template_components_update__element__all"))
    assert [part["type"] for part in parts] == ["HEADER", "BODY", "FOOTER", "BUTTONS"]
    assert parts[3]["buttons"][0] == {
        "type": "PHONE_NUMBER",
        "text": "Phone support",
        "phone_number": "+15550783881",
    }
    assert changes.parameters_in(parts) == 2


@pytest.mark.parametrize(
    ("components", "count"),
    [
        ([{"type": "BODY", "text": "Olá {{nome}}, {{ nome }} e {{1}}"}], 2),
        ([{"type": "body", "text": "Olá"}], 0),
        ([{"type": "HEADER", "text": "{{1}}"}], None),
        ([None, 1, {"type": "BODY"}], None),
    ],
)
def test_the_placeholders_of_the_body_are_counted_once_each(components, count):
    assert changes.parameters_in(components) == count


def test_a_choice_of_somebody_else_in_the_contacts_is_not_mixed_up():
    [choice] = changes.preferences(value("webhook__user_marketing_preferences__resume"), NOON)
    assert (choice.sender.wa_id, choice.sender.bsuid, choice.accepts) == ("16505551234", "", True)


def test_a_changed_user_id_is_told_with_both():
    [change] = changes.renamed(value("webhook__user_id_update_legacy_field"), NOON)
    told_at = datetime.fromtimestamp(1795000000, UTC)
    assert change == Renamed("553180000001", "BR.1000000000000001", "BR.1000000000000009", told_at)


def test_only_what_is_about_an_account_carries_metas_time():
    assert notice("field__account_restriction").at == datetime.fromtimestamp(1795000000, UTC)
    assert notice("field__user_preferences_stop").at is None


def test_a_partners_notice_names_the_account_inside():
    assert account_named(notice("webhook__account_update__partner_removed").raw) == "980198427658004"
    assert account_named(b'{"field":"security","value":[]}') == account_named(b"[") == ""


READERS = [
    facts.phone_quality,
    facts.limit,
    facts.name_decision,
    facts.account,
    facts.alert,
    facts.security,
]


@pytest.mark.parametrize(
    "odd", [{}, {"event": [1]}, {"event": {}, "alert_info": 3}, {"restriction_info": [None, 7, {}]}]
)
@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
def test_nonsense_says_nothing(reader, odd):
    assert reader(odd, NOON) == []
