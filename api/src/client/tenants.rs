//! Tenants of a server, as its operator sees them. Every call fails with what the server says, or `unavailable` when it does not
//! answer.

use super::Remote;
use crate::http::views::tenants::{QuotaView, TenantView, Tenants, UsageView};
use crate::service::Days;
use reqwest::Method;
use serde_json::json;
use shared::failure::Failure;
use shared::principal::tenant;
use shared::terms::Quota;

/// Where a tenant is found; only what is the name of one becomes part of an address.
fn at(name: &str) -> Result<String, Failure> {
    Ok(format!("/v1/tenants/{}", tenant(name)?))
}

impl Remote {
    /// Every tenant.
    pub(crate) async fn tenants(&self) -> Result<Tenants, Failure> {
        self.json(self.request(Method::GET, "/v1/tenants")).await
    }

    /// A tenant.
    pub(crate) async fn tenant(&self, name: &str) -> Result<TenantView, Failure> {
        self.json(self.request(Method::GET, &at(name)?)).await
    }

    /// Sets the quotas of a tenant; those that are not said are as the installation has them.
    pub(crate) async fn set_quota(&self, name: &str, quota: Quota) -> Result<TenantView, Failure> {
        let path = format!("{}/quota", at(name)?);
        self.json(self.with_body(Method::PUT, &path, &json!(QuotaView::from(quota)))).await
    }

    /// Sets some quotas of a tenant; those that are not said stay as they are when they are looked at, just before.
    pub(crate) async fn change_quota(&self, name: &str, more: Quota) -> Result<TenantView, Failure> {
        let set = self.tenant(name).await?.quota_set();
        self.set_quota(name, set.with(more)).await
    }

    /// Sets for how many days the jobs of a tenant are kept; nothing for as the installation has it.
    pub(crate) async fn set_retention(&self, name: &str, days: Option<u64>) -> Result<TenantView, Failure> {
        let path = format!("{}/retention", at(name)?);
        self.json(self.with_body(Method::PUT, &path, &json!({ "days": days }))).await
    }

    /// Says what the work of a tenant came to, day by day.
    pub(crate) async fn usage_of(&self, name: &str, days: &Days) -> Result<UsageView, Failure> {
        let path = format!("{}/usage?from={}&to={}", at(name)?, days.first(), days.last());
        self.json(self.request(Method::GET, &path)).await
    }
}
