//! Who asks, on whose behalf, and what they may do. Every call of the service takes one.

use crate::failure::{Failure, FailureKind};

/// The tenant of whoever sits at this machine. No key and no token may name it.
pub const LOCAL_TENANT: &str = "local";
/// Whose what workers found of public corpora is. No key and no token may name it.
pub const PUBLIC_TENANT: &str = "public";
/// Letters of the name of a tenant.
const TENANT_BYTES_MAX: usize = 64;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The organisation whose jobs and scores these are: the first element of every key in the ledger.
    pub tenant: String,
    /// The person or program.
    pub subject: String,
    /// What it is to the tenant.
    pub roles: Vec<Role>,
    /// What this very key or token was given for.
    pub scopes: Vec<Scope>,
}

impl Principal {
    /// Whoever sits at this machine: the one principal of embedded mode, who may do everything.
    #[must_use]
    pub fn local() -> Self {
        Principal {
            tenant: LOCAL_TENANT.to_owned(),
            subject: LOCAL_TENANT.to_owned(),
            roles: vec![Role::Admin],
            scopes: Scope::ALL.to_vec(),
        }
    }

    /// Whether it sits at this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.tenant == LOCAL_TENANT
    }

    /// Whether what it was given covers a scope.
    #[must_use]
    pub fn was_given(&self, scope: Scope) -> bool {
        self.scopes.iter().any(|given| given.covers(scope))
    }

    /// Whether one of its roles has a scope.
    #[must_use]
    pub fn has(&self, scope: Scope) -> bool {
        self.roles.iter().any(|role| role.has(scope))
    }
}

/// The name of a tenant, as keys and tokens may give it: it stands in keys of the ledger, labels and log lines.
///
/// # Errors
/// `malformed`, with what would be right.
pub fn tenant(name: &str) -> Result<String, Failure> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let ours = [LOCAL_TENANT, PUBLIC_TENANT].contains(&name);
    if begins && name.len() <= TENANT_BYTES_MAX && name.bytes().all(plain) && !ours {
        return Ok(name.to_owned());
    }
    let message = format!(
        "a tenant is 1 to {TENANT_BYTES_MAX} of a-z 0-9 - . and begins with a letter or digit; {PUBLIC_TENANT} and \
         {LOCAL_TENANT} is nobody's"
    );
    Err(Failure::new(FailureKind::Malformed, message))
}

/// A part of what can be done, as a key or token is given for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Look at jobs and take their results.
    JobsRead,
    /// Submit jobs and change what is wanted of them.
    JobsWrite,
    /// Search and read uploaded scores.
    ScoresRead,
    /// Upload and delete scores.
    ScoresWrite,
    /// Look at schedules and their history.
    SchedulesRead,
    /// Add, change and remove schedules.
    SchedulesWrite,
    /// Look at what the work of the own tenant came to.
    UsageRead,
    /// See which tenants there are, what is set for them, and what their work came to.
    TenantsRead,
    /// Set what tenants may have, and how long it is kept.
    TenantsWrite,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Scope; 9] = [
        Scope::JobsRead,
        Scope::JobsWrite,
        Scope::ScoresRead,
        Scope::ScoresWrite,
        Scope::SchedulesRead,
        Scope::SchedulesWrite,
        Scope::UsageRead,
        Scope::TenantsRead,
        Scope::TenantsWrite,
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Scope::JobsRead => "jobs:read",
            Scope::JobsWrite => "jobs:write",
            Scope::ScoresRead => "scores:read",
            Scope::ScoresWrite => "scores:write",
            Scope::SchedulesRead => "schedules:read",
            Scope::SchedulesWrite => "schedules:write",
            Scope::UsageRead => "usage:read",
            Scope::TenantsRead => "tenants:read",
            Scope::TenantsWrite => "tenants:write",
        }
    }

    /// The scope of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| scope.name() == name)
    }

    /// Whether who was given this one was given the other with it: who may write may read.
    #[must_use]
    pub const fn covers(self, other: Scope) -> bool {
        matches!(
            (self, other),
            (Scope::JobsRead, Scope::JobsRead)
                | (Scope::JobsWrite, Scope::JobsRead | Scope::JobsWrite)
                | (Scope::ScoresRead, Scope::ScoresRead)
                | (Scope::ScoresWrite, Scope::ScoresRead | Scope::ScoresWrite)
                | (Scope::SchedulesRead, Scope::SchedulesRead)
                | (Scope::SchedulesWrite, Scope::SchedulesRead | Scope::SchedulesWrite)
                | (Scope::UsageRead, Scope::UsageRead)
                | (Scope::TenantsRead, Scope::TenantsRead)
                | (Scope::TenantsWrite, Scope::TenantsRead | Scope::TenantsWrite)
        )
    }
}

/// What somebody is to a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Looks.
    Viewer,
    /// Has jobs run.
    Analyst,
    /// Looks after the scores and schedules too.
    Curator,
    /// Does everything inside the tenant.
    Admin,
    /// Looks after the installation: which tenants there are, what they may have and what it came to, never what it is.
    Operator,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 5] = [Role::Viewer, Role::Analyst, Role::Curator, Role::Admin, Role::Operator];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Analyst => "analyst",
            Role::Curator => "curator",
            Role::Admin => "admin",
            Role::Operator => "operator",
        }
    }

    /// The role of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether the role has a scope.
    #[must_use]
    pub const fn has(self, scope: Scope) -> bool {
        let of_tenants = matches!(scope, Scope::TenantsRead | Scope::TenantsWrite);
        match self {
            Role::Viewer => matches!(scope, Scope::JobsRead | Scope::ScoresRead | Scope::SchedulesRead),
            Role::Analyst => Role::Viewer.has(scope) || matches!(scope, Scope::JobsWrite),
            Role::Curator => !of_tenants && !matches!(scope, Scope::UsageRead),
            Role::Admin => !of_tenants,
            Role::Operator => of_tenants,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_tenants_can_stand_anywhere() {
        for name in ["a", "0", "uni-wien", "uni.example.org", &"x".repeat(64)] {
            assert_eq!(tenant(name).unwrap(), name);
        }
        let long = "x".repeat(65);
        for name in
            ["", "local", "public", "Uni", "a/b", "..", ".a", "-a", "a_b", "a b", "ü", "a\n", "a%2f", &long]
        {
            assert!(tenant(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn who_may_write_may_read_and_nothing_else() {
        for scope in Scope::ALL {
            assert_eq!(Scope::named(scope.name()), Some(scope));
            for other in Scope::ALL {
                let same_noun = scope.name().split(':').next() == other.name().split(':').next();
                let expected = scope == other || (same_noun && scope.name().ends_with(":write"));
                assert_eq!(scope.covers(other), expected, "{scope:?} {other:?}");
            }
            // A role that has what writes has what reads.
            for role in Role::ALL.into_iter().filter(|role| role.has(scope)) {
                let covered = Scope::ALL.into_iter().filter(|other| scope.covers(*other));
                assert!(covered.into_iter().all(|other| role.has(other)), "{role:?} {scope:?}");
            }
        }
        assert!(Role::ALL.into_iter().all(|role| Role::named(role.name()) == Some(role)));
        assert_eq!((Scope::named("jobs"), Role::named("root")), (None, None));
    }
}
