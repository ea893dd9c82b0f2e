"""What became of the samples, folder by folder, at the end of the run."""

from collections import Counter, defaultdict

import pytest

from wabot.whatsapp.payloads import Payload

Tally = defaultdict[str, Counter[str]]
TALLY = pytest.StashKey[Tally]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TALLY] = defaultdict(Counter)


@pytest.fixture
def tally(request: pytest.FixtureRequest):
    def count(folder: str, payload: Payload) -> None:
        unknown = sum(message.inbound.kind == "unknown" for message in payload.messages)
        request.config.stash[TALLY][folder] += Counter(
            bodies=1,
            messages=len(payload.messages),
            unknown=unknown,
            statuses=len(payload.statuses),
            notices=len(payload.notices),
            unread=len(payload.unread),
        )

    return count


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    tallies = config.stash.get(TALLY, None)
    if not tallies:
        return
    terminalreporter.section("sample webhooks")
    for folder, counts in sorted(tallies.items()):
        terminalreporter.write_line(
            f"{folder:28}{counts['bodies']:4} bodies: {counts['messages']:3} messages"
            f" (of an unknown kind: {counts['unknown']}), {counts['statuses']:3} statuses,"
            f" {counts['notices']:3} notices; kept unread: {counts['unread']}"
        )
