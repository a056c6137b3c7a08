// The TypeScript client, with credentials of its own: it finds the provider by the challenge, gets a token for what it was
// asked, and another one when an operation needs more.
//
//     node step_up.mjs URL ISSUER TIMES

import assert from "node:assert/strict";
import { Client, ClientCredentialsProvider, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

const [url, issuer, times] = process.argv.slice(2);

async function visit(id, negotiation, index) {
  const authProvider = new ClientCredentialsProvider({
    clientId: id,
    clientSecret: `${id}-secret-of-the-tests`,
    expectedIssuer: issuer,
  });
  const client = new Client({ name: "ripieno-tests", version: "1" }, negotiation);
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { authProvider }));
  const scopes = () => authProvider.tokens().scope.split(" ").sort().join(" ");
  await client.callTool({ name: "scores_search", arguments: {} });
  assert.equal(scopes(), "jobs:read scores:read");
  const content = `X:1\nT:Air ${index}\nM:4/4\nL:1/8\nK:G\nGABc d2d2|\n`;
  const tune = { name: "scores_import", arguments: { name: "air.abc", content } };
  if (id === "viewer") {
    // Another token would not help, and the client is not sent for one.
    await assert.rejects(client.callTool(tune), /403|role/);
    assert.equal(scopes(), "jobs:read scores:read");
    return;
  }
  const imported = await client.callTool(tune);
  assert.equal(imported.isError ?? false, false, JSON.stringify(imported.content));
  assert.ok(scopes().split(" ").includes("scores:write"), scopes());
  await client.close();
}

for (let index = 0; index < Number(times); index++) {
  await visit("curator", index % 2 ? {} : { versionNegotiation: { mode: "auto" } }, index);
}
await visit("viewer", { versionNegotiation: { mode: "auto" } }, 0);
console.log(`typescript: stepped up ${times} of ${times} times`);
