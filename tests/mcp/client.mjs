// Ripieno's MCP server as the TypeScript client sees it, which nobody here wrote.
//
//     node client.mjs URL MODE     MODE is how versions are negotiated: legacy (its default), auto
//
// It discovers, imports, searches, runs, waits, pages and cancels, and ends with 0 if all is as it should be.

import assert from "node:assert/strict";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

const [url, mode] = process.argv.slice(2);
const negotiation = mode === "legacy" ? {} : { versionNegotiation: { mode } };
const client = new Client({ name: "ripieno-tests", version: "1" }, negotiation);
await client.connect(new StreamableHTTPClientTransport(new URL(url)));

// Answers are held to their output schemas by the client.
async function call(name, args, wrong = false) {
  const result = await client.callTool({ name, arguments: args });
  assert.equal(result.isError ?? false, wrong, JSON.stringify(result.content));
  return wrong ? result.content[0].text : result.structuredContent;
}

const { tools } = await client.listTools();
assert.equal(tools.length, 9);
const tune = "X:1\nT:Air of the tests\nM:4/4\nL:1/8\nK:G\nGABc d2d2|e2d2 B4|G2A2 B2c2|d8|]\n";
const imported = await call("scores_import", { name: "air.abc", content: tune, corpus: "airs" });
const score = imported.scores[0].score;
const found = await call("scores_search", { query: "air tests" });
assert.equal(found.scores[0].score, score);

const run = await call("analysis_run", { scores: [score], analyses: ["key"], idempotency_key: `ts-${mode}` });
assert.equal(run.state, "finished");
assert.match(run.rows[0][run.columns.indexOf("key_simple")], /^G major$/);
const job = await call("analysis_run", { corpus: "airs", analyses: ["summary"], wait_s: 0 });
const status = await call("jobs_get", { job: job.job, wait_s: 45 });
assert.equal(status.state, "finished");
const page = await call("jobs_results", { job: job.job, limit: 1 });
assert.equal(page.rows.length, 1);
assert.match(await call("jobs_results", { job: job.job, fields: ["summary_note"] }, true), /did you mean/);
const rows = await client.readResource({ uri: `job://${job.job}/results` });
assert.match(rows.contents[0].text, /^source,/);
await assert.rejects(client.readResource({ uri: "job://job-aaaaaaaaaaaaaaaa" }));
const cancelled = await call("jobs_cancel", { job: job.job });
assert.equal(cancelled.state, "finished");
assert.equal((await call("jobs_cancel", { score })).deleted, true);
await client.close();
console.log(`typescript client, ${mode}: all is as it should be`);
