"""The mechanisms behind the promises, each with a way to take it out and the tests that must then fail.

`python -m tests.mutants` runs them all; `python -m tests.mutants "the sweeper"` those of that name. A mechanism that
can be taken out without a test noticing is not kept by anything.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "core" / "src" / "wabot"
DELIVERY = "tests/integration/test_delivery.py"
INVARIANTS = "tests/integration/test_invariants.py"
WEBHOOK = "tests/integration/test_webhook.py"
HOSTILE = "tests/integration/test_hostile.py"
ROUNDS = "tests/integration/test_rounds.py"
CAMPAIGNS = "tests/integration/test_campaigns.py"


class Mutant(msgspec.Struct, frozen=True):
    """wabot without one mechanism: in `file`, `old` becomes `new`. `invariant` is its number in the architecture."""

    mechanism: str
    invariant: int
    file: str
    old: str
    new: str
    test: str
    """What must fail, as pytest names it."""
    chaos: bool = False
    """Whether a chaos run must turn red without it, too."""


MUTANTS = [
    Mutant(
        "the answer waits for the commit", 1, "inbox.py",
        "await self._batch.add(delivery)", "self._queue.soon(self._batch.add(delivery))",
        f"{WEBHOOK}::test_when_it_cannot_be_stored_it_is_503_and_comes_again", chaos=True,
    ),
    Mutant(
        "an unreadable item is kept apart", 2, "whatsapp/payloads.py",
        "    if why:\n        place.unread(why, raw)\n    else:\n        inbound", "    if not why:\n        inbound",
        f"{WEBHOOK}::test_an_item_nobody_understands_does_not_stop_its_neighbours",
    ),
    Mutant(
        "a message is known by its wamid", 3, "inbox.py",
        "(*ids_told(sighting), m.inbound.wamid,", "(*ids_told(sighting), f\"{m.inbound.wamid} {id(m)}\",",
        f"{WEBHOOK}::test_delivered_five_times_it_is_stored_once", chaos=True,
    ),
    Mutant(
        "row lock on the conversa", 4, "turns.py",
        '"FOR NO KEY UPDATE OF conversa"', '""',
        f"{INVARIANTS}::test_the_row_lock_lets_one_worker_at_a_time_into_a_conversa", chaos=True,
    ),
    Mutant(
        "oldest message first", 4, "turns.py",
        "ORDER BY sent_at, id LIMIT 1", "ORDER BY sent_at DESC, id DESC LIMIT 1",
        f"{INVARIANTS}::test_the_oldest_message_is_answered_first", chaos=True,
    ),
    Mutant(
        "one transaction for a turn", 5, "db/engine.py",
        "return self.current_transaction.get()", "return None",
        f"{DELIVERY}::test_a_turn_that_fails_leaves_nothing_behind_but_its_reason", chaos=True,
    ),
    Mutant(
        "a turn that fails takes nobody with it", 5, "attend.py",
        "            return [None] * len(conversas)\n        _tell", "            raise\n        _tell",
        f"{ROUNDS}::test_a_worker_takes_the_others_turns_all_the_same",
    ),
    Mutant(
        "no round waits for another", 5, "turns.py",
        "{_LOCKED} SKIP LOCKED", "{_LOCKED}",
        f"{ROUNDS}::test_what_another_worker_has_in_hand_is_not_waited_for",
    ),
    Mutant(
        "enviando before the POST", 6, "turns.py",
        "CASE WHEN goes THEN 'enviando' ELSE 'pendente' END", "'pendente'",
        f"{ROUNDS}::test_a_reply_is_claimed_as_it_is_written", chaos=True,
    ),
    Mutant(
        "enviando before the POST of what waited", 6, "claims.py",
        "UPDATE outbox SET state = 'enviando', sending_at = now(), tries = tries + 1\nFROM free",
        "UPDATE outbox SET sending_at = now(), tries = tries + 1\nFROM free",
        f"{INVARIANTS}::test_two_workers_never_post_one_message_twice",
    ),
    Mutant(
        "no reply is claimed before an earlier one", 6, "turns.py",
        "SELECT nothing_before AND place = 1", "SELECT $22 AND place = 1",
        f"{ROUNDS}::test_but_not_before_an_earlier_one_of_its_conversa",
    ),
    Mutant(
        "a claim is sent once", 6, "worker.py",
        "results.pop(conversa, Written(more=False))", "results[conversa]",
        f"{ROUNDS}::test_rung_for_twice_a_reply_is_sent_once_and_what_waits_behind_it_next",
    ),
    Mutant(
        "rounds that may wait for each other end with a turn that writes", 5, "attend.py",
        "began + CAREFUL", "began",
        f"{ROUNDS}::test_after_a_round_that_failed_rounds_end_with_a_turn_that_writes",
    ),
    Mutant(
        "the status settles an unknown outcome", 6, "receipts.py",
        "ELSE 'enviada' END", "ELSE outbox.state END",
        f"{DELIVERY}::test_silence_after_the_post_is_settled_by_the_status_and_not_sent_again", chaos=True,
    ),
    Mutant(
        "a status that waits is heard first", 6, "claims.py",
        "AND NOT EXISTS (SELECT FROM receipt WHERE receipt.outbox = {}.id AND receipt.state = 'pendente')",
        "AND {}.id > 0",
        f"{INVARIANTS}::test_a_status_that_has_come_is_heard_before_anything_is_sent_again",
    ),
    Mutant(
        "a POST begins soon after its claim", 6, "outbox.py",
        "if self._stopping or self._clock() > claim.at + FRESH:", "if self._stopping:",
        f"{INVARIANTS}::test_who_was_held_up_between_claim_and_post_does_not_post",
    ),
    Mutant(
        "a message asks its mailing before it goes", 7, "outbox.py",
        "(over := await mailings.held_back(row)) is not None", "(over := None) is not None",
        "tests/integration/test_mailings.py::test_a_message_that_was_in_hand_at_the_pause_is_held_as_well",
    ),
    Mutant(
        "our id travels with the message", 6, "outbox.py",
        "callback=callback_of(row[\"id\"])", "callback=\"\"",
        f"{INVARIANTS}::test_a_message_sent_without_an_answer_is_known_by_our_id_in_its_status",
    ),
    Mutant(
        "replies in the order of their conversa", 6, "claims.py",
        "AND state IN ('pendente', 'enviando') AND NOT bulk\n", "AND state = 'pendente' AND NOT bulk\n",
        f"{INVARIANTS}::test_a_reply_never_overtakes_the_one_before_it",
    ),
    Mutant(
        "bulk waits for replies", 7, "claims.py",
        "AND (NOT open.bulk OR open.id < next.id))", "AND open.id < next.id AND open.bulk)",
        f"{CAMPAIGNS}::test_a_reply_overtakes_what_waits_in_bulk",
    ),
    Mutant(
        "a status only goes forward", 8, "whatsapp/statuses.py",
        "further = RANK[told.status] > rank and", "further = RANK[told.status] >= 0 and",
        "tests/unit/test_statuses.py::test_no_sequence_ever_goes_back",
    ),
    Mutant(
        "a failing turn is the plugin's own", 9, "attend.py",
        "            await self._failed(message, error, trail.plugin)\n            return True", "            raise",
        f"{DELIVERY}::test_a_message_nobody_can_answer_is_set_aside_and_the_customer_is_told",
    ),
    Mutant(
        "the fence between chatbots", 9, "db/piccolo_migrations/wabot_2026_11_24t12_00_00.py",
        "CREATE FUNCTION wabot_fence() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n",
        "CREATE FUNCTION wabot_fence() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n    RETURN coalesce(NEW, OLD);\n",
        f"{HOSTILE}::test_the_fence_refuses_a_turns_write_to_another_bots_rows",
    ),
    Mutant(
        "health apart from intent", 10, "plugins/guard.py",
        'HEALTH = """\nINSERT',
        'HEALTH = """\nWITH off AS (UPDATE plugin_binding SET enabled = $4 WHERE plugin = $2)\nINSERT',
        f"{HOSTILE}::test_the_breaker_answers_for_a_broken_plugin_and_lets_it_come_back",
    ),
    Mutant(
        "migrations of a conversation's state", 11, "upgrade.py",
        "        data = flow.migrations[version](data)\n", "",
        "tests/unit/test_resume.py::test_what_was_left_is_resumed",
    ),
    Mutant(
        "secrets encrypted at rest", 12, "vault.py",
        "return self._fernet.encrypt(secret.encode()).decode() if secret else \"\"", "return secret",
        "tests/unit/test_vault.py::test_what_goes_in_comes_out_and_looks_like_nothing_in_between",
    ),
    Mutant(
        "errors logged by place, not by words", 12, "logs.py",
        "[type(error).__name__,", "[repr(error),",
        "tests/unit/test_logs.py",
    ),
    Mutant(
        "the sweeper", 4, "worker.py",
        "more = await self.sweep(self._patience)", "more = not self._patience and await self.sweep(self._patience)",
        f"{INVARIANTS}::test_a_message_nobody_rang_for_is_found_by_the_sweeper", chaos=True,
    ),
]  # fmt: skip


@contextmanager
def without(mutant: Mutant) -> Iterator[Path]:
    """A folder to put on the path before everything else: wabot with the mechanism taken out."""
    with tempfile.TemporaryDirectory(prefix="wabot-mutant-") as folder:
        copy = Path(folder) / "wabot"
        shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        file = copy / mutant.file
        text = file.read_text(encoding="utf-8")
        if text.count(mutant.old) != 1:
            raise LookupError(
                f"{mutant.mechanism}: {mutant.file} holds {text.count(mutant.old)} times: {mutant.old!r}"
            )
        file.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
        yield Path(folder)


def named(mechanism: str) -> Mutant:
    return next(mutant for mutant in MUTANTS if mutant.mechanism == mechanism)


def survives(mutant: Mutant) -> str:
    """What pytest said if its test did not fail; empty if it did, as it must."""
    with without(mutant) as folder:
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-x",
            "-p",
            "no:cacheprovider",
            mutant.test,
        ]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )
    # 1: tests were run and some failed; anything else is no judgement about the mechanism
    return "" if done.returncode == 1 and " failed" in done.stdout else done.stdout + done.stderr


def main(names: list[str]) -> int:
    survivors = 0
    for mutant in MUTANTS:
        if names and mutant.mechanism not in names:
            continue
        told = survives(mutant)
        survivors += bool(told)
        print(f"{'SURVIVES' if told else 'caught':8}  {mutant.invariant:2}  {mutant.mechanism}", flush=True)
        if told:
            print(told[-2000:])
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
