// Somebody who logs in to `ripieno serve` by browser, at a provider that nobody here wrote, and out again at both.
//
//     node sign_on.mjs SERVER
//
// The browser is played: every redirect is followed and every form sent as it stands, with a name and a password where the
// provider's own pages ask for them.

import assert from "node:assert/strict";

const [server] = process.argv.slice(2);

class Browser {
  cookies = new Map();

  async open(url, form) {
    for (let hops = 0; hops < 20; hops++) {
      const { origin } = new URL(url);
      const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
      const sent = form ? { method: "POST", body: new URLSearchParams(form) } : {};
      const headers = form ? { cookie, origin, "sec-fetch-site": "same-origin" } : { cookie };
      const answer = await fetch(url, { ...sent, headers, redirect: "manual" });
      for (const line of answer.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
        if (value && !/max-age=0\b/i.test(line)) this.cookies.set(name, value);
        else this.cookies.delete(name);
      }
      if (answer.status < 300 || answer.status >= 400)
        return { url, status: answer.status, page: await answer.text() };
      [url, form] = [new URL(answer.headers.get("location"), url).href, undefined];
    }
    throw new Error(`${url} does not end`);
  }

  // Sends the forms of the provider's pages until one of the server's is reached.
  async through(at) {
    for (let forms = 0; forms < 6 && !at.url.startsWith(server); forms++) {
      const found = /<form[^>]*action="([^"]*)"[^>]*>([\s\S]*?)<\/form>/.exec(at.page) ?? assert.fail(at.page);
      const fields = {};
      for (const [input] of found[0].matchAll(/<(?:input|button)[^>]*>/g)) {
        const of = (name) => new RegExp(`${name}="([^"]*)"`).exec(input)?.[1];
        if (of("name")) fields[of("name")] = of("value") ?? "";
      }
      if (fields.prompt === "login") Object.assign(fields, { login: "somebody", password: "anything" });
      at = await this.open(new URL(found[1], at.url).href, fields);
    }
    return at;
  }
}

const browser = new Browser();
assert.equal((await browser.open(`${server}/session`)).status, 401);
let at = await browser.through(await browser.open(`${server}/login`));
assert.ok(at.url === `${server}/session` && at.status === 200, `${at.url} ${at.status} ${at.page}`);
for (const said of ["somebody", "uni-a", "curator"]) assert.ok(at.page.includes(said), at.page);
assert.equal((await browser.open(`${server}/v1/jobs`)).status, 200);

const number = browser.cookies.get("ripieno");
// Again: the provider knows the browser already, and the session is another one.
at = await browser.through(await browser.open(`${server}/login`));
assert.equal(at.status, 200);
const renewed = browser.cookies.get("ripieno");
assert.ok(renewed && renewed !== number);

at = await browser.through(await browser.open(`${server}/logout`, {}));
assert.ok(at.url.startsWith(`${server}/session`) && at.status === 401, `${at.url} ${at.status} ${at.page}`);
for (const old of [number, renewed]) {
  const answer = await fetch(`${server}/v1/jobs`, { headers: { cookie: `ripieno=${old}` } });
  assert.equal(answer.status, 401);
}
// The provider has forgotten the browser too, and asks who it is.
at = await browser.open(`${server}/login`);
assert.ok(!at.url.startsWith(server) && at.page.includes("password"), at.page);
console.log("sign on: let in, renewed, and logged out here and at the provider");
