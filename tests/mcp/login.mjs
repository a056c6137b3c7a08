// Somebody who logs in to `ripieno serve` from a terminal, and types the code at a provider that nobody here wrote.
//
//     node login.mjs RIPIENO SERVER CONFIG
//
// The browser of that somebody is played: every form is sent as it stands, with the name and password that the provider's own
// pages ask for. Then the token is used, renewed once it has ended, and forgotten.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";

const [ripieno, server, config] = process.argv.slice(2);
const env = { ...process.env, XDG_CONFIG_HOME: config, RIPIENO_TOKEN: "" };
const file = `${config}/ripieno/logins.json`;

async function say(...words) {
  try {
    const { stdout, stderr } = await promisify(execFile)(ripieno, ["--server", server, ...words], { env });
    return { code: 0, text: stdout + stderr };
  } catch (error) {
    return { code: error.code, text: `${error.stdout}${error.stderr}` };
  }
}

// A browser with cookies, as far as these pages need one.
const cookies = new Map();
async function open(url, form) {
  for (let hops = 0; hops < 20; hops++) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const sent = form ? { method: "POST", body: new URLSearchParams(form) } : {};
    const answer = await fetch(url, { ...sent, headers: { cookie }, redirect: "manual" });
    for (const line of answer.headers.getSetCookie()) {
      const [name, value] = line.split(";")[0].split("=");
      if (value) cookies.set(name, value);
      else cookies.delete(name);
    }
    if (answer.status < 300 || answer.status >= 400) return { url, page: await answer.text(), status: answer.status };
    [url, form] = [new URL(answer.headers.get("location"), url).href, undefined];
  }
  throw new Error(`${url} does not end`);
}

async function type(code, page, answer) {
  let at = await open(page);
  for (let forms = 0; forms < 8; forms++) {
    const found = /<form[^>]*action="([^"]*)"[^>]*>([\s\S]*?)<\/form>/.exec(at.page);
    if (!found) return at.page;
    const fields = {};
    for (const [input] of found[2].matchAll(/<input[^>]*>/g)) {
      const of = (name) => new RegExp(`${name}="([^"]*)"`).exec(input)?.[1];
      if (of("name")) fields[of("name")] = of("value") ?? "";
    }
    if ("user_code" in fields || /name="user_code"/.test(found[2])) fields.user_code = code;
    if (fields.prompt === "login") Object.assign(fields, { login: "somebody", password: "anything" });
    const no = answer === "no" && "confirm" in fields;
    if (no) fields.abort = "yes";
    at = await open(new URL(found[1], at.url).href, fields);
    // After a no the page asks for the next code.
    if (no) return at.page;
  }
  throw new Error(`the provider asks for ever: ${at.page}`);
}

async function login(answer) {
  const child = spawn(ripieno, ["--server", server, "login"], { env });
  let said = "";
  const ended = new Promise((resolve) => child.on("close", resolve));
  const told = new Promise((resolve) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (data) => {
        said += data;
        if (/type the code \S+\n/.test(said)) resolve();
      });
    ended.then(resolve);
  });
  await told;
  const [, page, code] = /open (\S+)\nand type the code (\S+)\n/.exec(said) ?? assert.fail(said);
  await type(code, page, answer);
  return { code: await ended, text: said };
}

let done = await say("jobs");
assert.equal(done.code, 3, `a stranger is refused: ${done.text}`);
done = await login("no");
assert.ok(done.code === 3 && /access_denied/.test(done.text), done.text);

done = await login("yes");
assert.ok(done.code === 0 && done.text.includes(`logged in to ${server}`), done.text);
assert.equal(statSync(file).mode & 0o777, 0o600);
done = await say("jobs");
assert.equal(done.code, 0, done.text);

const kept = () => JSON.parse(readFileSync(file, "utf8"));
const before = kept()[server];
assert.ok(before.refresh_token && before.expires_ms > Date.now(), Object.keys(before).join());
const old = kept();
old[server].expires_ms = 1;
writeFileSync(file, JSON.stringify(old));
// Two commands at once renew it once: the provider would take the second for a thief's.
const both = await Promise.all([say("jobs"), say("jobs")]);
assert.ok(both.every((one) => one.code === 0), JSON.stringify(both));
const after = kept()[server];
assert.notEqual(after.access_token, before.access_token);
assert.notEqual(after.refresh_token, before.refresh_token);
assert.ok(after.expires_ms > Date.now());

done = await say("logout");
assert.ok(done.code === 0 && !/provider/.test(done.text), done.text);
assert.deepEqual(kept(), {});
assert.equal((await say("jobs")).code, 3);
// The provider has forgotten it too.
writeFileSync(file, JSON.stringify({ [server]: { ...after, expires_ms: 1 } }));
done = await say("jobs");
assert.ok(done.code === 3 && /login` again/.test(done.text), done.text);
console.log("login: refused, let in, renewed once for two, and forgotten by both");
