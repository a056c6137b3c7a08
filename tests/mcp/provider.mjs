// A real provider of identities, `oidc-provider`, for programs that come with their own credentials, for somebody who types a
// code in a browser, and for somebody who logs in by browser.
//
//     node provider.mjs PORT RESOURCE…     RESOURCE are the servers that tokens may be asked for
//
// The client `curator` may be given everything; `viewer` has all scopes too, and a role that is not enough for them; `ripieno` is
// the program itself, which has no secret; `web` is the server, where browsers log in.

import { Provider } from "oidc-provider";

const [port, ...resources] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const scopes = "jobs:read jobs:write scores:read scores:write schedules:read schedules:write";
const client = (id) => ({
  client_id: id,
  client_secret: `${id}-secret-of-the-tests`,
  grant_types: ["client_credentials"],
  redirect_uris: [],
  response_types: [],
  token_endpoint_auth_method: "client_secret_basic",
  scope: scopes,
});
const provider = new Provider(issuer, {
  clients: [
    ...["curator", "viewer"].map(client),
    {
      client_id: "ripieno",
      grant_types: ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: "none",
      application_type: "native",
      scope: `openid offline_access ${scopes}`,
    },
    {
      client_id: "web",
      client_secret: "web-secret-of-the-tests",
      redirect_uris: resources.map((resource) => `${resource}/login/callback`),
      post_logout_redirect_uris: resources.map((resource) => `${resource}/session`),
      scope: "openid ripieno",
    },
  ],
  scopes: ["openid", "offline_access", "ripieno", ...scopes.split(" ")],
  claims: { openid: ["sub"], ripieno: ["tenant", "roles"] },
  // Claims of a scope stand in the identity token too.
  conformIdTokenClaims: false,
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, tenant: "uni-a", roles: ["curator"] }),
  }),
  rotateRefreshToken: true,
  cookies: { keys: ["of the tests"] },
  features: {
    // Pages of its own, on which any name may log in.
    devInteractions: { enabled: true },
    deviceFlow: { enabled: true },
    revocation: { enabled: true },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo(_, resource) {
        if (!resources.includes(resource)) throw new Error(`no such resource: ${resource}`);
        return { scope: scopes, audience: resource, accessTokenFormat: "jwt", accessTokenTTL: 300 };
      },
    },
  },
  extraTokenClaims: (_, token) => ({
    tenant: "uni-a",
    roles: [token.clientId === "ripieno" ? "curator" : token.clientId],
  }),
});
provider.listen(Number(port), "127.0.0.1", () => console.log(`provider at ${issuer}`));
