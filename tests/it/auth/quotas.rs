//! How much a tenant may have under way, and that it is no other's matter.

use super::keys::{ask, key};
use crate::http::server::Server;
use api::plan::{self, Choice};
use api::service::{Order, Service};
use api::sources;
use shared::dispatch::{Dispatcher, Lane, memory::Memory};
use shared::failure::FailureKind;
use shared::ledger::Ledger;
use shared::limits::Limits;
use shared::principal::Principal;

#[test]
fn who_asks_too_often_is_told_to_wait_and_others_are_not() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start_with(home.path(), |command| {
        command.env("RIPIENO_AUTH", "keys").env("RIPIENO_TENANT_REQUESTS_PER_SECOND_MAX", "1");
    });
    let (busy, other) = (key(home.path(), "uni-a", "viewer", &[]), key(home.path(), "uni-b", "viewer", &[]));
    // Two at once, then one a second: so many take longer than that on no machine.
    let answers: Vec<_> = (0..60).map(|_| ask(&server, &busy, "GET", "/v1/formats", "")).collect();
    let refused = answers.iter().find(|answer| answer.status == 429).expect("one too many");
    assert!(refused.text().contains("tenant_requests_per_second_max = 1"), "{}", refused.text());
    assert_eq!((refused.header("retry-after"), &refused.json()["kind"]), ("2", &"too_many".into()));
    assert_eq!(ask(&server, &other, "GET", "/v1/formats", "").status, 200);
}

#[tokio::test]
async fn who_has_as_many_jobs_as_it_may_gets_no_more_until_one_has_ended() {
    let home = tempfile::tempdir().unwrap();
    let scores = home.path().join("scores");
    crate::support::corpus(&scores, 1, 10);
    let ledger = Ledger::in_folder(&home.path().join("ledger")).await.unwrap();
    let limits = Limits { tenant_jobs_max: 2, ..Limits::default() };
    // Nobody works: what is accepted stays active.
    let service = Service::new(ledger, Dispatcher::Memory(Memory::default())).with_limits(&limits);
    let submit = async |who: &Principal| {
        let choice = Choice { analyses: vec!["key".to_owned()], ..Choice::default() };
        let request = plan::request(vec![scores.to_str().unwrap().to_owned()], &choice).unwrap();
        let listing = sources::list(&request.sources, &limits).await.unwrap();
        service.order(who, request, listing, Order { lane: Lane::Bulk, key: None, callback: None }).await
    };
    let of = |tenant: &str| Principal { tenant: tenant.to_owned(), ..Principal::local() };
    let first = submit(&of("uni-a")).await.unwrap();
    submit(&of("uni-a")).await.unwrap();
    let failure = submit(&of("uni-a")).await.unwrap_err();
    assert!(failure.kind == FailureKind::TooMany && failure.message.contains("2 jobs"), "{failure}");
    submit(&of("uni-b")).await.unwrap();
    for _ in 0..4 {
        submit(&Principal::local()).await.unwrap();
    }
    service.cancel(&of("uni-a"), &first.record.id).await.unwrap();
    submit(&of("uni-a")).await.unwrap();
}
