"""Every webhook body we could collect, signed and posted: 200, and each message and status in it is stored."""

import json
from pathlib import Path

from tests.live import SECRET, add_bot, platform

from wabot.db.engine import DB
from wabot.whatsapp.signature import sign

FOLDER = Path(__file__).parents[1] / "payloads" / "samples"
SAMPLES = sorted(path for path in FOLDER.glob("*/*__*.json") if not path.stem.startswith("vectors__"))

COUNTS = """
SELECT (SELECT count(*) FROM inbox) AS messages, (SELECT count(*) FROM receipt) AS statuses,
       (SELECT count(*) FROM notice) AS notices, (SELECT count(*) FROM quarantine) AS quarantined
"""


def changes_of(body):
    return [(entry, change) for entry in body["entry"] for change in entry["changes"]]


def owners(bodies):
    """Every (account, number) the samples speak of."""
    found = {}
    for body in bodies:
        for entry, change in changes_of(body):
            number = (change["value"].get("metadata") or {}).get("phone_number_id")
            found[str(number or f"account-{entry['id']}")] = str(entry["id"])
    return found


def items(bodies, name):
    """(number, id, …) of every element of `messages` or `statuses`: a repeated one is stored once."""
    found = set()
    for body in bodies:
        for _, change in changes_of(body):
            value = change["value"]
            number = (value.get("metadata") or {}).get("phone_number_id")
            if change["field"] == "messages":
                found |= {
                    (number, item["id"], item.get("status"), recipient(item))
                    for item in value.get(name) or []
                }
    return found


def recipient(item):
    return item.get("recipient_id") or item.get("recipient_user_id") if "status" in item else None


async def test_every_sample_is_stored_item_by_item(database_uri, tmp_path):
    raws = [path.read_bytes() for path in SAMPLES]
    bodies = [json.loads(raw) for raw in raws]
    async with platform(database_uri, tmp_path, worker=False, plugin=None) as running:
        await DB.execute("DELETE FROM chatbot")  # the samples bring their own
        for number, account in owners(bodies).items():
            await add_bot(running.process.settings, phone_number_id=number, business_account_id=account)
        await running.process.runtimes.load()
        for path, raw in zip(SAMPLES, raws, strict=True):
            answer = await running.post(raw, sign(SECRET, raw))
            assert answer.status_code == 200, f"{path.name}: {answer.text}"
        counts = dict(await DB.fetchrow(COUNTS))
    assert counts["messages"] == len(items(bodies, "messages"))
    assert counts["statuses"] == len(items(bodies, "statuses"))
    assert counts["quarantined"] == 0
