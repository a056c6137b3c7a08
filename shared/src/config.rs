//! The one place where the environment is read.

use crate::failure::{Failure, FailureKind};
use crate::limits::Limits;
use std::path::PathBuf;

/// A variable that changes what a process does.
#[derive(Debug)]
pub struct Knob {
    /// Its name.
    pub env: &'static str,
    /// What it is when unset.
    pub default: &'static str,
    /// What it does.
    pub summary: &'static str,
}

/// Variable with the master keys.
pub const MASTER_KEY: &str = "RIPIENO_MASTER_KEY";
/// Variable with the name of a file that has them.
pub const MASTER_KEY_FILE: &str = "RIPIENO_MASTER_KEY_FILE";

/// Every variable but the limits, which stand in [`crate::limits::LIMITS`].
pub static KNOBS: &[Knob] = &[
    Knob {
        env: "RIPIENO_DATA",
        default: "$XDG_DATA_HOME/ripieno, or ~/.local/share/ripieno",
        summary: "Folder of the ledger and the cache in embedded mode; `--data` overrides it.",
    },
    Knob {
        env: "RIPIENO_BROKER",
        default: "",
        summary: "Address of a RabbitMQ broker, `amqp://user:password@host:5672/vhost`; with `RIPIENO_STORE` it makes a cluster. `amqps://…?cacertfile=FILE&certfile=FILE&keyfile=FILE` connects by TLS, with authorities and a certificate of one's own (PEM).",
    },
    Knob {
        env: "RIPIENO_STORE",
        default: "",
        summary: "URL of the ledger of a cluster: `s3://bucket/prefix`, or `file:///folder` that all machines share.",
    },
    Knob {
        env: "RIPIENO_QUEUES",
        default: "ripieno",
        summary: "How the names of queues, exchanges and keys of Redis begin; clusters that share a virtual host or a Redis differ in it.",
    },
    Knob {
        env: "RIPIENO_CACHE",
        default: "$TMPDIR/ripieno-cache",
        summary: "Folder of the cache of a `ripieno-worker`.",
    },
    Knob {
        env: "RIPIENO_METRICS",
        default: "",
        summary: "Address at which a `ripieno-worker` answers `/metrics` (Prometheus) and `/live`, such as `127.0.0.1:9464`.",
    },
    Knob {
        env: "RIPIENO_REDIS",
        default: "",
        summary: "Address of a Redis that the fronts share, `redis://user:password@host:6379/0`, or `rediss://` by TLS. They can do without: see docs/operations.md.",
    },
    Knob {
        env: "RIPIENO_HOSTS",
        default: "",
        summary: "Names besides those of the loopback that the header `Host` of a request to `ripieno serve` may have, with commas.",
    },
    Knob {
        env: "RIPIENO_ORIGINS",
        default: "",
        summary: "Pages that may call `ripieno serve` from a browser, with commas, such as `https://ui.example`; its own may.",
    },
    Knob {
        env: "RIPIENO_TLS_CERTIFICATE_FILE",
        default: "",
        summary: "File with the certificate of `ripieno serve`, and those that lead to its authority (PEM): it then speaks by TLS. Read again once it has changed.",
    },
    Knob {
        env: "RIPIENO_TLS_KEY_FILE",
        default: "",
        summary: "File with the key of that certificate (PEM).",
    },
    Knob {
        env: "RIPIENO_AUTH",
        default: "",
        summary: "How callers of `ripieno serve` show who they are: `keys`, `oauth`, or both with commas. Without it they need not, and it listens at the loopback only.",
    },
    Knob {
        env: "RIPIENO_SOURCES",
        default: "",
        summary: "Where sources of tenants may lie beside public `https://` addresses: folders and prefixes of stores with commas; `{tenant}` is the tenant, `TENANT=` before one makes it that tenant's alone. The same for fronts, schedulers and workers.",
    },
    Knob {
        env: "RIPIENO_PUBLIC_URL",
        default: "",
        summary: "URL by which clients call `ripieno serve`, such as `https://ripieno.example`: tokens must be given out for it, or for its `/mcp`; its host and its pages may call.",
    },
    Knob {
        env: "RIPIENO_OAUTH_ISSUER",
        default: "",
        summary: "Issuer of the tokens that `RIPIENO_AUTH=oauth` takes, as its own metadata has it.",
    },
    Knob {
        env: "RIPIENO_OAUTH_TENANT_CLAIM",
        default: "tenant",
        summary: "Claim of a token that names the tenant.",
    },
    Knob {
        env: "RIPIENO_OAUTH_TENANT",
        default: "",
        summary: "Tenant of tokens without that claim; unset, they are refused.",
    },
    Knob {
        env: "RIPIENO_OAUTH_ROLES_CLAIM",
        default: "roles",
        summary: "Claim of a token that names roles: words, or a list of them.",
    },
    Knob {
        env: "RIPIENO_OAUTH_ROLE",
        default: "",
        summary: "Role of tokens without that claim; unset, they may do nothing that is a tenant's.",
    },
    Knob {
        env: "RIPIENO_OIDC_CLIENT_ID",
        default: "",
        summary: "As whom the provider knows this server when browsers log in; without it they cannot. It needs `RIPIENO_AUTH=oauth`.",
    },
    Knob {
        env: "RIPIENO_OIDC_CLIENT_SECRET",
        default: "",
        summary: "Secret of that client, where the provider gave one.",
    },
    Knob { env: "RIPIENO_OIDC_CLIENT_SECRET_FILE", default: "", summary: "File that has it instead." },
    Knob {
        env: "RIPIENO_OIDC_SCOPE",
        default: "openid",
        summary: "Scopes that are asked of the provider when a browser logs in, with blanks: those by which it writes tenant and roles.",
    },
    Knob {
        env: "RIPIENO_OAUTH_OPERATOR_TENANT",
        default: "",
        summary: "Tenant whose tokens may have the role `operator`, which looks after the installation; unset, no token has it.",
    },
    Knob {
        env: "RIPIENO_RETENTION_DAYS",
        default: "",
        summary: "Days, 1 to 36 500, that a job is kept once it has ended, where nothing else is set for its tenant; unset, it is kept for ever.",
    },
    Knob {
        env: "RIPIENO_PUBLIC_SOURCES",
        default: "",
        summary: "Folders and prefixes of stores, with commas, whose sources anybody may have: what one tenant's work found of them serves the others from the cache. The same for all workers.",
    },
    Knob {
        env: MASTER_KEY,
        default: "",
        summary: "Master keys, 64 hexadecimal digits each, with commas: the first wraps the keys of tenants, the others unwrap what they wrapped. With it everything of a tenant is sealed. The same for every process.",
    },
    Knob { env: MASTER_KEY_FILE, default: "", summary: "File that has them instead, one a line." },
    Knob {
        env: "RIPIENO_TOKEN",
        default: "",
        summary: "Key or token that the commands show to the server that they speak to.",
    },
    Knob {
        env: "RIPIENO_CALLBACK_SECRET",
        default: "",
        summary: "Key that callbacks are signed with (Standard Webhooks): `whsec_` and 24 to 64 bytes in base64. Without it there are none.",
    },
    Knob {
        env: "RIPIENO_CALLBACK_PRIVATE",
        default: "",
        summary: "`yes` lets callbacks go to addresses of this machine and of private networks.",
    },
    Knob {
        env: "RIPIENO_SERVER",
        default: "",
        summary: "URL of a `ripieno serve` that the commands speak to, or its name in `servers.json`, as with `--server`.",
    },
    Knob {
        env: "RIPIENO_LOG",
        default: "warn",
        summary: "What is logged to standard error, as tracing directives: `info`, `worker=debug`.",
    },
    Knob { env: "RIPIENO_LOG_FORMAT", default: "text", summary: "`text`, or `json` for one object a line." },
    Knob {
        env: "AWS_*, GOOGLE_*, AZURE_*",
        default: "",
        summary: "Credentials and endpoints of object stores, under the names that their own tools use.",
    },
];

/// The value of a variable; an empty one counts as unset.
#[must_use]
pub fn var(name: &str) -> Option<String> {
    #[allow(clippy::disallowed_methods, reason = "this is the one place")]
    let value = std::env::var(name).ok();
    value.filter(|value| !value.is_empty())
}

/// Where a cluster is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Address of the broker.
    pub broker: String,
    /// URL of the ledger.
    pub store: String,
    /// How the names in the broker begin.
    pub queues: String,
}

/// The cluster that the environment names; none for embedded mode.
///
/// # Errors
/// `malformed` when only one of broker and store is named.
pub fn cluster() -> Result<Option<Cluster>, Failure> {
    match (var("RIPIENO_BROKER"), var("RIPIENO_STORE")) {
        (None, None) => Ok(None),
        (Some(broker), Some(store)) => Ok(Some(Cluster { broker, store, queues: queues() })),
        _ => Err(Failure::new(
            FailureKind::Malformed,
            "RIPIENO_BROKER and RIPIENO_STORE make a cluster together; without both, everything runs in one process",
        )),
    }
}

/// How the names begin that this installation gives in a broker and in a Redis.
#[must_use]
pub fn queues() -> String {
    var("RIPIENO_QUEUES").unwrap_or_else(|| "ripieno".to_owned())
}

/// The folder of a worker's cache.
#[must_use]
pub fn cache_folder() -> PathBuf {
    var("RIPIENO_CACHE").map_or_else(|| std::env::temp_dir().join("ripieno-cache"), PathBuf::from)
}

/// Variables that configure an object store, with the names in lower case as the stores' builders want them.
pub fn store_options() -> impl Iterator<Item = (String, String)> {
    let known = |name: &str| ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|prefix| name.starts_with(prefix));
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(move |(name, _)| known(name))
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
}

/// The limits in force.
///
/// # Errors
/// `malformed`, naming the variable that is not a limit.
pub fn limits() -> Result<Limits, Failure> {
    Limits::from_environment(var)
}

/// The folder of the ledger and the cache: what the caller says, else the environment, else the user's data folder.
///
/// # Errors
/// `malformed` when none of them is set.
pub fn data_folder(given: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let from_home = || var("HOME").map(|home| PathBuf::from(home).join(".local/share/ripieno"));
    let from_xdg = || var("XDG_DATA_HOME").map(|data| PathBuf::from(data).join("ripieno"));
    let folder =
        given.or_else(|| var("RIPIENO_DATA").map(PathBuf::from)).or_else(from_xdg).or_else(from_home);
    folder.ok_or_else(|| {
        Failure::new(FailureKind::Malformed, "no data folder: give --data DIR, or set RIPIENO_DATA or HOME")
    })
}

/// The folder of what a user sets: `$XDG_CONFIG_HOME/ripieno`, or `~/.config/ripieno`.
///
/// # Errors
/// `malformed` when neither variable is set.
pub fn user_folder() -> Result<PathBuf, Failure> {
    let from_home = || var("HOME").map(|home| PathBuf::from(home).join(".config"));
    let folder = var("XDG_CONFIG_HOME").map(PathBuf::from).or_else(from_home);
    let none = || Failure::new(FailureKind::Malformed, "no folder of the user: set HOME or XDG_CONFIG_HOME");
    Ok(folder.ok_or_else(none)?.join("ripieno"))
}
