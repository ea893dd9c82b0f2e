"""What stands before several web processes: each connection goes to one that answers."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Sequence


class Balancer:
    """Takes turns among ports, and passes over those where nobody listens."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports, self._turns = ports, itertools.count()

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Reachable while inside; yields its address."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            try:
                there, back = await self._connect()
            except OSError:
                return
            with contextlib.closing(back):
                pipes = [asyncio.create_task(_pipe(reader, back)), asyncio.create_task(_pipe(there, writer))]
                _, left = await asyncio.wait(pipes, return_when=asyncio.FIRST_COMPLETED)
                for pipe in left:
                    pipe.cancel()
                await asyncio.gather(*pipes, return_exceptions=True)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        first = next(self._turns)
        for place in range(len(self._ports)):
            with contextlib.suppress(OSError):
                return await asyncio.open_connection(
                    "127.0.0.1", self._ports[(first + place) % len(self._ports)]
                )
        raise ConnectionRefusedError


async def _pipe(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        target.write(data)
        await target.drain()
