// Jobs as tasks, as the task client of the protocol's own authors sees them, which nobody here wrote.
//
//     node tasks.mjs URL
//
// It runs analyses and does not wait for them, follows the task to its end, and ends with 0 if the result is a job's.

import assert from "node:assert/strict";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { createTaskSessionFromClient, resultFromTaskOutcome } from "@modelcontextprotocol/ext-tasks/client";

const url = process.argv[2];
const extension = "io.modelcontextprotocol/tasks";
const clientInfo = { name: "ripieno-tests", version: "1" };
const clientCapabilities = { extensions: { [extension]: {} } };
const client = new Client(clientInfo, { capabilities: clientCapabilities, versionNegotiation: { mode: "auto" } });
await client.connect(new StreamableHTTPClientTransport(new URL(url)));

// Twenty tunes of six thousand notes each: some seconds of work.
const scores = [];
for (let seed = 1; seed <= 20; seed++) {
  let [state, bars] = [seed, ""];
  for (let note = 0; note < 6000; note++) {
    state = (state * 48271) % 2147483647;
    bars += "CDEFGABcdefgab"[state % 14] + (note % 8 === 7 ? (note % 64 === 63 ? "|\n" : "|") : "");
  }
  const content = `X:${seed}\nT:Task ${seed}\nM:4/4\nL:1/8\nK:G\n${bars}]\n`;
  const imported = await client.callTool({ name: "scores_import", arguments: { name: `${seed}.abc`, content } });
  scores.push(imported.structuredContent.scores[0].score);
}

let id = 0;
const heard = new Set();
const rawDispatch = async (request, options) => {
  const name = request.params.taskId ?? request.params.name;
  const headers = new Headers({
    "content-type": "application/json", accept: "application/json, text/event-stream",
    "mcp-protocol-version": "2026-07-28", "mcp-method": request.method,
  });
  if (name !== undefined) headers.set("mcp-name", name);
  for (const [header, value] of Object.entries(options?.context?.headers ?? {})) headers.set(header, value);
  const body = JSON.stringify({ jsonrpc: "2.0", id: `raw-${id++}`, ...request });
  const response = await fetch(url, { method: "POST", headers, body, signal: options?.signal });
  const text = await response.text();
  const data = text.split("\n").filter((line) => line.startsWith("data: ")).at(-1)?.slice(6);
  const answer = JSON.parse(data ?? text);
  heard.add(request.method);
  return answer.error ? { kind: "error", error: answer.error } : { kind: "result", result: answer.result };
};
const session = createTaskSessionFromClient(client, {
  endpointId: "ripieno",
  rawDispatch,
  v2RequestFraming: { protocolVersion: "2026-07-28", clientInfo, clientCapabilities },
});
const analyses = ["patterns", "harmony", "modules", "ngrams", "local_key"];
const execution = await session.callTool("analysis_run", { scores, analyses, wait_s: 0 });
assert.equal(execution.kind, "task", "what is not done when it is answered is a task");
const { outcome } = await execution.settle();
const result = resultFromTaskOutcome(outcome);
assert.equal(result.structuredContent.state, "finished", JSON.stringify(result));
assert.equal(result.structuredContent.done, 20);
assert.ok(heard.has("tasks/get"), [...heard].join());
const call = async (name, args) => (await client.callTool({ name, arguments: args })).structuredContent;
const { job } = result.structuredContent;
const found = await call("scores_search", { query: "Task 7" });
assert.ok(found.scores.some(({ score }) => score === scores[6]), JSON.stringify(found));
const rows = [];
for (let cursor = ""; cursor !== undefined; ) {
  const page = await call("jobs_results", { job, fields: ["title"], limit: 7, cursor });
  rows.push(...page.rows);
  cursor = page.next_cursor ?? undefined;
}
assert.equal(rows.length, 20);
const other = await session.callTool("analysis_run", { scores, analyses, fidelity: "compat", wait_s: 0 });
assert.equal(other.kind, "task");
await other.cancel();
await assert.rejects(async () => resultFromTaskOutcome((await other.settle()).outcome), "it was cancelled");
await session.close();
await client.close();
console.log("task client: a job was followed as a task to its end and paged through, and another cancelled");
