"""Somebody with a browser, as far as HTTP goes: cookies, and the hidden field of the forms."""

import re

import httpx

from wabot import people

PATIENCE = 30
"""Seconds for an answer: a test says what is answered, not how fast a busy machine is."""
SENHA = "uma senha de teste"


class Visitor:
    """Follows no redirects: where one leads is part of what is tested."""

    def __init__(self, url: str) -> None:
        self.http = httpx.AsyncClient(base_url=url, verify=False, timeout=PATIENCE)

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.http.get(path, headers=headers)

    async def post(self, path: str, page: str = "/painel/entrar/", **fields: str) -> httpx.Response:
        """Send a form as it stands on `page`: with the token that only a page of ours has in it."""
        shown = await self.http.get(page, follow_redirects=True)
        [token, *_] = re.findall(r'name="_csrf_token" value="([^"]+)"', shown.text)
        return await self.http.post(path, data={"_csrf_token": token, **fields})

    async def signs_in(self, email: str, senha: str = SENHA, next: str = "") -> httpx.Response:
        return await self.post("/painel/entrar/", email=email, senha=senha, next=next)

    @property
    def session(self) -> str | None:
        return self.http.cookies.get("wabot_session")

    async def close(self) -> None:
        await self.http.aclose()


async def add_person(
    email: str = "ana@loja.com.br", superuser: bool = False, **papeis: int
) -> people.PersonOut:
    """`add_person("ana@…", dono=1)`: dono of chatbot 1."""
    roles = {chatbot: papel for papel, chatbot in papeis.items()}
    return await people.add(email, SENHA, superuser=superuser, papeis=roles)  # type: ignore[arg-type]
