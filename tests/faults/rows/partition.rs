//! Networks that part.

use crate::cable::{Cable, Cut};
use crate::site::Site;
use crate::{Found, Ground};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Row 9: one worker of three and the broker no longer hear each other, then the worker is not heard, then it does not hear.
/// Its store is there throughout: what it writes late must do no harm.
pub async fn parted(ground: &mut Ground) -> Option<Found> {
    let uri = ground.broker.uri();
    let host = uri.rsplit('@').next()?.split('/').next()?.to_owned();
    let cable = Cable::new(host.clone()).await;
    let through = uri.replace(&host, &cable.address.to_string());
    let mut all = Found::default();
    let hold = Duration::from_secs(if ground.short { 15 } else { 60 });
    for (name, cut) in [
        ("both", Cut { to_broker: true, from_broker: true }),
        ("unheard", Cut { to_broker: true, from_broker: false }),
        ("deaf", Cut { to_broker: false, from_broker: true }),
    ] {
        let mut site = Site::new(&ground.home, &format!("parted-{name}"), &uri, None).await;
        site.set(crate::hook::PACE, "10");
        site.set("RIPIENO_BROKER", &through);
        site.start(1);
        site.set("RIPIENO_BROKER", &uri);
        let job = site.submit(&ground.scores);
        // It holds chunks of the job before others can take them.
        site.until(&job, 1).await;
        site.start(2);
        cable.set(cut);
        let (cut_at, at_cut) = (Instant::now(), site.receipts(&job).await);
        sleep(hold).await;
        let during = site.receipts(&job).await.saturating_sub(at_cut);
        cable.set(Cut::default());
        site.finish(&job).await;
        let seconds = cut_at.elapsed().as_secs_f64();
        let verdict = site.judge(&job, &ground.reference, None).await;
        let alive = site.workers.iter_mut().all(|worker| matches!(worker.try_wait(), Ok(None)));
        all.must(alive && site.started == 3, format!("{name}: a worker had to be started again"));
        all.verdict.items += verdict.items;
        all.verdict.lost += verdict.lost;
        all.verdict.differing += verdict.differing;
        all.verdict.wasted = all.verdict.wasted.max(verdict.wasted);
        all.note = format!("{}{name}: {during} receipts meanwhile, {seconds:.0} s; ", all.note);
        site.end().await;
    }
    Some(all)
}
