//! Tokens of an OAuth 2.1 provider: taken only if they are signed by it, for this server, now. Access tokens (RFC 9068) show who asks,
//! identity tokens (OpenID Connect) who has logged in.

use super::Stranger;
use super::provider::{Provider, Signer};
use crate::oauth::may_be_asked;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde_json::{Map, Value};
use shared::config;
use shared::failure::{Failure, FailureKind};
use shared::principal::{Principal, Role, Scope, tenant};
use url::Url;

/// Signatures that are taken: none that needs a shared secret.
const ALGORITHMS: [Algorithm; 6] = [
    Algorithm::RS256,
    Algorithm::PS256,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
    Algorithm::RS512,
];
/// Seconds by which the clocks of provider and server may differ.
const LEEWAY_SECONDS: u64 = 30;
/// Letters of a subject that are kept.
const SUBJECT_BYTES_MAX: usize = 255;

/// What tokens are held to.
#[derive(Debug)]
pub(super) struct Tokens {
    provider: Provider,
    audience: Audience,
    claims: Claims,
}

/// What this server is called by those who ask for tokens.
#[derive(Clone, Debug)]
pub struct Audience {
    /// The address without a slash at its end: that of REST.
    pub rest: String,
    /// That of MCP.
    pub mcp: String,
}

/// In which claims tenant and roles stand, and what holds where they do not.
#[derive(Clone, Debug, Default)]
struct Claims {
    tenant: String,
    roles: String,
    default_tenant: Option<String>,
    default_role: Option<Role>,
    /// The tenant whose operators look after the installation; none of another is one.
    operator_tenant: Option<String>,
}

impl Tokens {
    /// What the environment says.
    ///
    /// # Errors
    /// `malformed`, naming the variable that is missing or wrong.
    pub(super) fn from_environment() -> Result<Self, Failure> {
        let wrong = |name: &str, why: &str| Failure::new(FailureKind::Malformed, format!("{name}: {why}"));
        let needed = |name: &str| {
            config::var(name).ok_or_else(|| wrong(name, "RIPIENO_AUTH=oauth needs it (docs/security.md)"))
        };
        let issuer = needed("RIPIENO_OAUTH_ISSUER")?;
        let public = needed("RIPIENO_PUBLIC_URL")?;
        for (name, text) in [("RIPIENO_OAUTH_ISSUER", &issuer), ("RIPIENO_PUBLIC_URL", &public)] {
            let plain = Url::parse(text).is_ok_and(|url| may_be_asked(&url) && url.query().is_none());
            if !plain || text.contains(['"', '\\', ' ']) {
                return Err(wrong(name, "say https://…; http:// goes to the loopback only"));
            }
        }
        let named = |variable: &str| {
            let name = config::var(variable).map(|name| tenant(&name)).transpose();
            name.map_err(|failure| wrong(variable, &failure.message))
        };
        let default_role = config::var("RIPIENO_OAUTH_ROLE")
            .map(|name| Role::named(&name).ok_or_else(|| wrong("RIPIENO_OAUTH_ROLE", "it is no role")))
            .transpose()?;
        let claim = |name: &str, default: &str| config::var(name).unwrap_or_else(|| default.to_owned());
        let claims = Claims {
            tenant: claim("RIPIENO_OAUTH_TENANT_CLAIM", "tenant"),
            roles: claim("RIPIENO_OAUTH_ROLES_CLAIM", "roles"),
            default_tenant: named("RIPIENO_OAUTH_TENANT")?,
            default_role,
            operator_tenant: named("RIPIENO_OAUTH_OPERATOR_TENANT")?,
        };
        let rest = public.trim_end_matches('/').to_owned();
        let audience = Audience { mcp: format!("{rest}/mcp"), rest };
        Ok(Tokens { provider: Provider::new(issuer)?, audience, claims })
    }

    /// What this server is called.
    pub(super) const fn audience(&self) -> &Audience {
        &self.audience
    }

    /// Who gives tokens out.
    pub(super) const fn provider(&self) -> &Provider {
        &self.provider
    }

    /// Who an access token says that asks.
    ///
    /// # Errors
    /// Why it is not believed.
    pub(super) async fn principal(&self, token: &str) -> Result<Principal, Stranger> {
        let rest = &self.audience.rest;
        let audiences = [rest.clone(), format!("{rest}/"), self.audience.mcp.clone()];
        let claims = self.verified(token, is_access_token, &audiences).await?;
        self.claims.principal(&claims)
    }

    /// Who an identity token says has logged in: by this client, in the very attempt that `nonce` was made for. A person may do what
    /// its roles may: such a token is given for no scopes of ours.
    ///
    /// # Errors
    /// Why it is not believed.
    pub(super) async fn person(&self, token: &str, client: &str, nonce: &str) -> Result<Principal, Stranger> {
        let claims = self.verified(token, is_identity_token, &[client.to_owned()]).await?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        if text("nonce") != Some(nonce) {
            return Err(Stranger::Refused("it was given for another attempt to log in"));
        }
        let for_several = claims.get("aud").and_then(Value::as_array).is_some_and(|all| all.len() > 1);
        if text("azp").map_or(for_several, |party| party != client) {
            return Err(Stranger::Refused("it was given to another program"));
        }
        self.claims.principal(&claims).map(|who| Principal { scopes: Scope::ALL.to_vec(), ..who })
    }

    async fn verified(
        &self,
        token: &str,
        is_right: fn(&str) -> Result<(), &'static str>,
        audiences: &[String],
    ) -> Result<Map<String, Value>, Stranger> {
        let header = decode_header(token).map_err(|_| Stranger::Refused("it is no token"))?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(Stranger::Refused("it is signed by an algorithm that is not taken"));
        }
        let typ = header.typ.as_deref().unwrap_or_default().to_ascii_lowercase();
        is_right(typ.strip_prefix("application/").unwrap_or(&typ)).map_err(Stranger::Refused)?;
        if header.crit.is_some() {
            return Err(Stranger::Refused("it demands an extension that is not known"));
        }
        let signer = self.provider.signer(header.kid.as_deref(), header.alg).await?;
        let signer = signer.ok_or(Stranger::Refused("it is signed by no key of the provider"))?;
        self.opened(token, header.alg, &signer, audiences)
    }

    fn opened(
        &self,
        token: &str,
        algorithm: Algorithm,
        signer: &Signer,
        audiences: &[String],
    ) -> Result<Map<String, Value>, Stranger> {
        let mut validation = Validation::new(algorithm);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.set_issuer(&[self.provider.issuer()]);
        validation.set_audience(audiences);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        use jsonwebtoken::errors::ErrorKind as E;
        let decoded = decode::<Map<String, Value>>(token, &signer.key, &validation);
        decoded.map(|decoded| decoded.claims).map_err(|error| {
            Stranger::Refused(match error.kind() {
                E::ExpiredSignature => "it has expired",
                E::ImmatureSignature => "it does not hold yet",
                E::InvalidIssuer => "it is of another issuer",
                E::InvalidAudience => "it is for another server",
                E::MissingRequiredClaim(_) => "it lacks one of exp, iss, aud and sub",
                E::InvalidSignature => "its signature is not right",
                _ => "it is no token",
            })
        })
    }
}

/// Another kind of token of the same provider, such as one that tells a page who has logged in, opens nothing.
fn is_access_token(typ: &str) -> Result<(), &'static str> {
    match typ {
        "at+jwt" => Ok(()),
        _ => Err("it is no access token: its typ is not at+jwt"),
    }
}

fn is_identity_token(typ: &str) -> Result<(), &'static str> {
    match typ {
        "" | "jwt" => Ok(()),
        _ => Err("it is no identity token: its typ is not JWT"),
    }
}

impl Claims {
    fn principal(&self, claims: &Map<String, Value>) -> Result<Principal, Stranger> {
        let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
        if subject.is_empty() || subject.len() > SUBJECT_BYTES_MAX || subject.chars().any(char::is_control) {
            return Err(Stranger::Refused("its subject is empty, too long, or no plain text"));
        }
        let named = match claims.get(&self.tenant) {
            None => self.default_tenant.clone(),
            Some(claim) => one(claim).and_then(|name| tenant(name).ok()),
        };
        let tenant = named.ok_or(Stranger::Refused("it names no tenant that can be"))?;
        let mut roles: Vec<Role> = match claims.get(&self.roles) {
            None => self.default_role.into_iter().collect(),
            Some(claim) => texts(claim).into_iter().filter_map(Role::named).collect(),
        };
        // Who gives roles out for one tenant must not reach the others by it.
        roles.retain(|role| *role != Role::Operator || self.operator_tenant.as_deref() == Some(&tenant));
        let scopes = claims.get("scope").or(claims.get("scp")).map(texts).unwrap_or_default();
        let scopes = scopes.into_iter().filter_map(Scope::named).collect();
        Ok(Principal { tenant, subject: subject.to_owned(), roles, scopes })
    }
}

/// A text; bridges from SAML, where every attribute may have several values, write a list of one.
fn one(claim: &Value) -> Option<&str> {
    match claim {
        Value::Array(all) => all.first().filter(|_| all.len() == 1).and_then(Value::as_str),
        claim => claim.as_str(),
    }
}

/// Words, as providers write several: with blanks, or as a list.
fn texts(claim: &Value) -> Vec<&str> {
    match claim {
        Value::String(text) => text.split_whitespace().collect(),
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tenant_and_roles_come_from_claims_and_what_is_not_known_gives_nothing() {
        let claims = Claims { tenant: "org".to_owned(), roles: "groups".to_owned(), ..Claims::default() };
        let of = |claims: &Claims, token: Value| claims.principal(token.as_object().unwrap());
        let token =
            json!({ "sub": "ada", "org": "uni-a", "groups": ["analyst", "staff"], "scope": "jobs:read x" });
        let who = of(&claims, token).unwrap();
        assert_eq!((who.tenant.as_str(), who.roles), ("uni-a", vec![Role::Analyst]));
        assert_eq!(who.scopes, [Scope::JobsRead]);
        let who = of(
            &claims,
            json!({ "sub": "ada", "org": "uni-a", "groups": "viewer admin", "scp": ["jobs:write"] }),
        );
        assert_eq!(who.unwrap().roles, [Role::Viewer, Role::Admin]);
        assert_eq!(of(&claims, json!({ "sub": "ada", "org": ["uni-a"] })).unwrap().tenant, "uni-a");
        let token = json!({ "sub": "ada", "org": "uni-a", "groups": "operator viewer" });
        assert_eq!(of(&claims, token.clone()).unwrap().roles, [Role::Viewer]);
        for (operators, roles) in
            [("uni-b", vec![Role::Viewer]), ("uni-a", vec![Role::Operator, Role::Viewer])]
        {
            let claims = Claims { operator_tenant: Some(operators.to_owned()), ..claims.clone() };
            assert_eq!(of(&claims, token.clone()).unwrap().roles, roles);
        }
        for token in [
            json!({ "sub": "ada" }),
            json!({ "sub": "ada", "org": "local" }),
            json!({ "sub": "ada", "org": "../b" }),
            json!({ "sub": "ada", "org": ["uni-a", "uni-b"] }),
            json!({ "sub": "ada", "org": [] }),
            json!({ "sub": "", "org": "uni-a" }),
            json!({ "sub": "a\nb", "org": "uni-a" }),
            json!({ "org": "uni-a" }),
        ] {
            assert!(of(&claims, token.clone()).is_err(), "{token}");
        }
        let default_tenant = Some("only".to_owned());
        let claims = Claims { default_tenant, default_role: Some(Role::Viewer), ..claims };
        let who = of(&claims, json!({ "sub": "ada" })).unwrap();
        assert_eq!((who.tenant.as_str(), who.roles, who.scopes), ("only", vec![Role::Viewer], vec![]));
        // What is said wrongly is not made up for.
        assert!(of(&claims, json!({ "sub": "ada", "org": "B!" })).is_err());
        assert_eq!(of(&claims, json!({ "sub": "ada", "groups": [] })).unwrap().roles, []);
    }
}
