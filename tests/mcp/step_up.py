"""The Python client, with credentials of its own, as step_up.mjs has the TypeScript one.

    step_up.py URL ISSUER TIMES
"""

import asyncio
import sys

import httpx2 as httpx
from mcp import Client
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.streamable_http import streamable_http_client


class Storage:
    """Tokens in memory."""

    def __init__(self):
        self.tokens = self.client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


async def visit(url, issuer, name, index):
    storage = Storage()
    auth = ClientCredentialsOAuthProvider(url, storage, name, f"{name}-secret-of-the-tests", issuer=issuer)
    async with httpx.AsyncClient(auth=auth, timeout=30) as http:
        async with Client(streamable_http_client(url, http_client=http)) as client:
            await client.call_tool("scores_search", {})
            first = set(storage.tokens.scope.split())
            assert first == {"jobs:read", "scores:read"}, first
            content = f"X:1\nT:Air {index}\nM:4/4\nL:1/8\nK:G\nGABc d2d2|\n"
            result = await client.call_tool("scores_import", {"name": "air.abc", "content": content})
            assert not result.is_error, result
            assert "scores:write" in storage.tokens.scope.split(), storage.tokens.scope


async def main(url, issuer, times):
    for index in range(int(times)):
        await visit(url, issuer, "curator", index)
    print(f"python: stepped up {times} of {times} times")


asyncio.run(main(*sys.argv[1:]))
