"""The requests in docs/api.md are made, one after the other, and answered as the page says."""

import re

import msgspec
from tests.docs.pages import page
from tests.live import platform

PAIR = re.compile(r"```http\n(?P<request>.*?)```\n\n```http\n(?P<answer>.*?)```", re.DOTALL)
ANYTHING = "…"


def parts(text):
    """First line, headers, body."""
    head, _, body = text.partition("\n\n")
    first, *headers = head.strip().split("\n")
    return first, dict(line.split(": ", 1) for line in headers), body


def same(told, found):
    """Where the page says "…", anything will do."""
    if isinstance(told, dict) and isinstance(found, dict) and told.keys() == found.keys():
        return all(same(told[key], found[key]) for key in told)
    if isinstance(told, list) and isinstance(found, list) and len(told) == len(found):
        return all(map(same, told, found))
    return told == found or (told == ANYTHING and found)


async def test_every_request_on_the_page_is_answered_as_it_says(database_uri, tmp_path):
    pairs = list(PAIR.finditer(page("docs/api.md")))
    assert len(pairs) >= 6
    async with platform(database_uri, tmp_path, worker=False) as running:
        api = await running.api(bot=running.bot.id)
        for pair in pairs:
            (request, sent, body), (status, headers, told) = parts(pair["request"]), parts(pair["answer"])
            method, path = request.split()
            answer = await api.request(method, path, headers=sent, content=body.strip().encode())
            assert str(answer.status_code) == status.split()[1], answer.text
            for name, value in headers.items():
                assert answer.headers[name] == value, request
            if "json" in headers["Content-Type"]:
                assert same(msgspec.json.decode(told), answer.json()), answer.text
            else:
                pattern = re.escape(told.strip()).replace(ANYTHING, "[^,]+")
                assert re.fullmatch(pattern, answer.text.strip("\ufeff\r\n").replace("\r\n", "\n")), (
                    answer.text
                )
