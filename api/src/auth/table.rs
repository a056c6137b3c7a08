//! The table of what can be done and what it needs. What does not stand in it is refused.

use shared::principal::{Principal, Role, Scope};
use std::fmt::Write;

/// What one operation needs.
#[derive(Debug, PartialEq, Eq)]
pub struct Operation {
    /// Its name: the `operationId` of REST; method, and tool or kind of URI, of MCP.
    pub name: &'static str,
    /// All of these.
    pub needs: &'static [Scope],
}

const fn row(name: &'static str, needs: &'static [Scope]) -> Operation {
    Operation { name, needs }
}

use Scope::{
    JobsRead, JobsWrite, SchedulesRead, SchedulesWrite, ScoresRead, ScoresWrite, TenantsRead, TenantsWrite,
    UsageRead,
};

/// Every operation of REST, then every one of MCP.
pub static OPERATIONS: &[Operation] = &[
    row("openapi", &[]),
    row("list_analyses", &[]),
    row("get_analysis", &[]),
    row("list_formats", &[]),
    row("plan_job", &[JobsWrite]),
    row("submit_job", &[JobsWrite]),
    row("list_jobs", &[JobsRead]),
    row("get_job", &[JobsRead]),
    row("job_events", &[JobsRead]),
    row("job_items", &[JobsRead]),
    row("job_failures", &[JobsRead]),
    row("job_results", &[JobsRead]),
    row("cancel_job", &[JobsWrite]),
    row("pause_job", &[JobsWrite]),
    row("resume_job", &[JobsWrite]),
    row("prioritise_job", &[JobsWrite]),
    row("retry_job", &[JobsWrite]),
    row("job_similar", &[JobsRead]),
    row("search_scores", &[ScoresRead]),
    row("get_score", &[ScoresRead]),
    row("score_content", &[ScoresRead]),
    row("list_corpora", &[ScoresRead]),
    row("send_score", &[ScoresWrite]),
    row("import_score", &[ScoresWrite]),
    row("delete_score", &[ScoresWrite]),
    row("upload_options", &[]),
    row("begin_upload", &[ScoresWrite]),
    row("get_upload", &[ScoresWrite]),
    row("upload_offset", &[ScoresWrite]),
    row("append_upload", &[ScoresWrite]),
    row("give_up_upload", &[ScoresWrite]),
    row("list_schedules", &[SchedulesRead]),
    row("get_schedule", &[SchedulesRead]),
    row("schedule_history", &[SchedulesRead]),
    row("add_schedule", &[SchedulesWrite, JobsWrite]),
    row("remove_schedule", &[SchedulesWrite]),
    row("pause_schedule", &[SchedulesWrite]),
    row("resume_schedule", &[SchedulesWrite]),
    row("run_schedule", &[SchedulesWrite, JobsWrite]),
    row("get_usage", &[UsageRead]),
    row("list_tenants", &[TenantsRead]),
    row("get_tenant", &[TenantsRead]),
    row("get_tenant_usage", &[TenantsRead]),
    row("set_quota", &[TenantsWrite]),
    row("set_retention", &[TenantsWrite]),
    row("initialize", &[]),
    row("ping", &[]),
    row("server/discover", &[]),
    row("notifications/initialized", &[]),
    row("notifications/cancelled", &[]),
    row("notifications/roots/list_changed", &[]),
    row("notifications/progress", &[]),
    row("logging/setLevel", &[]),
    row("tools/list", &[]),
    row("prompts/list", &[]),
    row("prompts/get", &[]),
    row("resources/templates/list", &[]),
    row("completion/complete", &[JobsRead, ScoresRead]),
    row("resources/list", &[ScoresRead]),
    row("resources/read job", &[JobsRead]),
    row("resources/read score", &[ScoresRead]),
    row("resources/subscribe", &[JobsRead]),
    row("resources/unsubscribe", &[]),
    row("subscriptions/listen", &[JobsRead]),
    row("tasks/get", &[JobsRead]),
    row("tasks/update", &[JobsWrite]),
    row("tasks/cancel", &[JobsWrite]),
    row("tools/call scores_search", &[ScoresRead]),
    row("tools/call scores_inspect", &[ScoresRead]),
    row("tools/call scores_import", &[ScoresWrite]),
    row("tools/call analysis_catalog", &[]),
    row("tools/call analysis_run", &[JobsWrite, ScoresRead]),
    row("tools/call jobs_get", &[JobsRead]),
    row("tools/call jobs_results", &[JobsRead]),
    row("tools/call jobs_list", &[JobsRead]),
    row("tools/call jobs_cancel job", &[JobsWrite]),
    row("tools/call jobs_cancel score", &[ScoresWrite]),
];

impl Operation {
    /// Whether it changes something: then it is recorded.
    #[must_use]
    pub fn changes(&self) -> bool {
        self.needs
            .iter()
            .any(|scope| matches!(scope, JobsWrite | ScoresWrite | SchedulesWrite | TenantsWrite))
    }
}

/// The row of an operation.
#[must_use]
pub fn operation(name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|row| row.name == name)
}

/// Why somebody may not do something.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It stands in no table.
    Unknown,
    /// None of its roles has this scope: another key or token would not help.
    Role(Scope),
    /// It was not given all of these: it may ask for them.
    Scopes(&'static [Scope]),
}

/// Whether somebody may do something.
///
/// # Errors
/// Why not.
pub fn may(principal: &Principal, name: &str) -> Result<(), Refusal> {
    let row = operation(name).ok_or(Refusal::Unknown)?;
    if let Some(lacking) = row.needs.iter().find(|scope| !principal.has(**scope)) {
        return Err(Refusal::Role(*lacking));
    }
    match row.needs.iter().all(|scope| principal.was_given(*scope)) {
        true => Ok(()),
        false => Err(Refusal::Scopes(row.needs)),
    }
}

/// Scopes as tokens and challenges write them.
#[must_use]
pub fn written(scopes: &[Scope]) -> String {
    scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(" ")
}

/// The table of operations and roles, as `docs/security.md` has it.
#[must_use]
pub fn page() -> String {
    let roles = Role::ALL.map(Role::name).join(" | ");
    let mut page = format!("| operation | scopes | {roles} |\n|---|---|{}\n", "---|".repeat(Role::ALL.len()));
    for row in OPERATIONS {
        let needs = if row.needs.is_empty() { "none".to_owned() } else { written(row.needs) };
        let has = |role: &Role| row.needs.iter().all(|scope| role.has(*scope));
        let marks = Role::ALL.iter().map(|role| if has(role) { "yes" } else { "no" });
        // Writing to a string cannot fail.
        let _ = writeln!(page, "| `{}` | {needs} | {} |", row.name, marks.collect::<Vec<_>>().join(" | "));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::subsequence;

    fn who(roles: Vec<Role>, scopes: Vec<Scope>) -> Principal {
        Principal { tenant: "a".to_owned(), subject: "b".to_owned(), roles, scopes }
    }

    fn anybody() -> impl Strategy<Value = Principal> {
        let roles = subsequence(Role::ALL.to_vec(), 0..=Role::ALL.len());
        let scopes = subsequence(Scope::ALL.to_vec(), 0..=Scope::ALL.len());
        (roles, scopes).prop_map(|(roles, scopes)| who(roles, scopes))
    }

    proptest! {
        #[test]
        fn what_is_in_no_table_is_refused_to_everybody(principal in anybody(), name in "[a-z/_ ]{0,24}") {
            prop_assume!(operation(&name).is_none());
            prop_assert_eq!(may(&principal, &name), Err(Refusal::Unknown));
        }

        /// A word more or less, or another case, is another name.
        #[test]
        fn what_is_almost_in_the_table_is_refused(principal in anybody(), index in 0..OPERATIONS.len(), more in "[a-z ]") {
            let name = OPERATIONS[index].name;
            for near in [format!("{name}{more}"), format!("{more}{name}"), name.to_uppercase(), name[1..].to_owned()] {
                prop_assume!(operation(&near).is_none());
                prop_assert_eq!(may(&principal, &near), Err(Refusal::Unknown));
            }
        }

        /// Said again, scope by scope, as the text of the scopes has it.
        #[test]
        fn roles_and_scopes_must_both_have_all_of_it(principal in anybody(), index in 0..OPERATIONS.len()) {
            let row = &OPERATIONS[index];
            let held = |needed: &Scope, scopes: &[Scope]| scopes.iter().any(|scope| {
                let (noun, verb) = needed.name().split_once(':').unwrap();
                scope.name() == needed.name() || (verb == "read" && scope.name() == format!("{noun}:write"))
            });
            let of_roles: Vec<Scope> = Scope::ALL.into_iter()
                .filter(|scope| principal.roles.iter().any(|role| role.has(*scope))).collect();
            let allowed = row.needs.iter().all(|scope| held(scope, &of_roles) && held(scope, &principal.scopes));
            prop_assert_eq!(may(&principal, row.name).is_ok(), allowed);
        }
    }

    #[test]
    fn nobody_without_role_or_scope_touches_what_is_a_tenants() {
        for row in OPERATIONS.iter().filter(|row| !row.needs.is_empty()) {
            let all = Scope::ALL.to_vec();
            assert!(matches!(may(&who(vec![], all.clone()), row.name), Err(Refusal::Role(_))));
            // What is a tenant's is its admin's, what is about tenants the operator's, and neither has anything of the other.
            let of_tenants = row.needs.iter().all(|scope| scope.name().starts_with("tenants:"));
            let (its, others) = match of_tenants {
                true => (Role::Operator, vec![Role::Viewer, Role::Analyst, Role::Curator, Role::Admin]),
                false => (Role::Admin, vec![Role::Operator]),
            };
            assert!(
                matches!(may(&who(others, all.clone()), row.name), Err(Refusal::Role(_))),
                "{}",
                row.name
            );
            assert_eq!(may(&who(vec![its], vec![]), row.name), Err(Refusal::Scopes(row.needs)));
            assert_eq!(may(&who(vec![its], all), row.name), Ok(()));
        }
        let mut names: Vec<&str> = OPERATIONS.iter().map(|row| row.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), OPERATIONS.len(), "an operation stands once");
    }
}
