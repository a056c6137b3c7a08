//! Sessions of browsers: who has logged in, by a number that only the browser has. They are kept in Redis where one is named, so that
//! all fronts know them, else in the process. Losing them logs people out, and nothing else.
//!
//! ```text
//! <prefix>:session:<digest of the number>    who, and until when at the most; goes by itself when it was not used for a while
//! ```

use crate::service::random;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use shared::clock;
use shared::failure::Failure;
use shared::limits::Limits;
use shared::principal::{Principal, Role, Scope};
use shared::redis::{Redis, cmd};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Bytes of a number: more than anybody can try, so that a plain digest of it tells nothing.
const NUMBER_BYTES: usize = 32;
/// How long Redis may take to say who somebody is. Nobody is let in without it.
const WITHIN: Duration = Duration::from_secs(1);

/// The sessions that are.
#[derive(Debug)]
pub(super) struct Sessions {
    kept: Kept,
    idle_ms: u64,
    most_ms: u64,
    here_max: usize,
}

#[derive(Debug)]
enum Kept {
    Here(Mutex<BTreeMap<String, Used>>),
    Redis(Redis),
}

/// A session of this process, and when it goes unless it is used.
#[derive(Debug)]
struct Used {
    session: Session,
    idle_ends_ms: u64,
}

/// What is kept of somebody: no token, and nothing that opens anything.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Session {
    tenant: String,
    subject: String,
    roles: Vec<String>,
    /// When it ends however much it is used, in milliseconds since 1970.
    ends_ms: u64,
}

impl Session {
    fn principal(self) -> Principal {
        let roles = self.roles.iter().filter_map(|name| Role::named(name)).collect();
        Principal { tenant: self.tenant, subject: self.subject, roles, scopes: Scope::ALL.to_vec() }
    }
}

impl Sessions {
    pub(super) fn new(redis: Option<&Redis>, limits: &Limits) -> Self {
        let kept =
            redis.map_or_else(|| Kept::Here(Mutex::default()), |redis| Kept::Redis(redis.within(WITHIN)));
        let ms = |seconds: u64| seconds.saturating_mul(1000);
        Sessions {
            kept,
            idle_ms: ms(limits.session_idle_seconds_max),
            most_ms: ms(limits.session_seconds_max),
            here_max: usize::try_from(limits.sessions_max).unwrap_or(usize::MAX),
        }
    }

    /// Begins a session; says its number.
    ///
    /// # Errors
    /// `unavailable` where Redis is away.
    pub(super) async fn begin(&self, who: &Principal) -> Result<String, Failure> {
        let number = number()?;
        let now = clock::now_ms();
        let session = Session {
            tenant: who.tenant.clone(),
            subject: who.subject.clone(),
            roles: who.roles.iter().map(|role| role.name().to_owned()).collect(),
            ends_ms: now.saturating_add(self.most_ms),
        };
        let key = digest(&number);
        match &self.kept {
            Kept::Here(all) => self.put(&mut held(all), key, session, now),
            Kept::Redis(redis) => {
                // A struct of texts and a number always is JSON.
                let text = serde_json::to_string(&session).unwrap_or_default();
                let mut set = cmd("SET");
                set.arg(redis.key(&["session", &key])).arg(text).arg("PX").arg(self.idle_ms);
                redis.ask::<()>(&set).await?;
            }
        }
        Ok(number)
    }

    /// Who a number is of, if it is anybody's; being used, the session goes on.
    ///
    /// # Errors
    /// `unavailable` where Redis is away.
    pub(super) async fn find(&self, number: &str) -> Result<Option<Principal>, Failure> {
        let (key, now) = (digest(number), clock::now_ms());
        let found = match &self.kept {
            Kept::Here(all) => {
                let mut all = held(all);
                let used = all.get_mut(&key).filter(|used| now < used.idle_ends_ms);
                used.map(|used| {
                    used.idle_ends_ms = now.saturating_add(self.idle_ms);
                    used.session.clone()
                })
            }
            Kept::Redis(redis) => {
                let mut get = cmd("GETEX");
                get.arg(redis.key(&["session", &key])).arg("PX").arg(self.idle_ms);
                // What is not ours is nobody's.
                redis.ask::<Option<String>>(&get).await?.and_then(|text| serde_json::from_str(&text).ok())
            }
        };
        Ok(found.filter(|session: &Session| now < session.ends_ms).map(Session::principal))
    }

    /// Ends a session.
    ///
    /// # Errors
    /// `unavailable` where Redis is away.
    pub(super) async fn end(&self, number: &str) -> Result<(), Failure> {
        let key = digest(number);
        match &self.kept {
            Kept::Here(all) => {
                held(all).remove(&key);
                Ok(())
            }
            Kept::Redis(redis) => redis.ask(cmd("DEL").arg(redis.key(&["session", &key]))).await,
        }
    }

    /// Keeps a session here. Where there is no room, those that are over go, and then the one that was not used for longest.
    fn put(&self, all: &mut BTreeMap<String, Used>, key: String, session: Session, now: u64) {
        if all.len() >= self.here_max {
            all.retain(|_, used| now < used.idle_ends_ms.min(used.session.ends_ms));
        }
        if all.len() >= self.here_max {
            let oldest = all.iter().min_by_key(|(_, used)| used.idle_ends_ms).map(|(key, _)| key.clone());
            oldest.and_then(|key| all.remove(&key));
        }
        all.insert(key, Used { session, idle_ends_ms: now.saturating_add(self.idle_ms) });
    }
}

fn held(all: &Mutex<BTreeMap<String, Used>>) -> MutexGuard<'_, BTreeMap<String, Used>> {
    // Nothing that holds the lock can panic half-way through a change.
    all.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A number that nobody can guess, as a cookie has it.
///
/// # Errors
/// `internal` where the system gives no random bytes.
pub(super) fn number() -> Result<String, Failure> {
    Ok(URL_SAFE_NO_PAD.encode(random::<NUMBER_BYTES>()?))
}

/// What a number is kept under: who reads the keys has none of the numbers.
fn digest(number: &str) -> String {
    blake3::hash(number.as_bytes()).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ada() -> Principal {
        let (tenant, subject) = ("uni-a".to_owned(), "ada".to_owned());
        Principal { tenant, subject, roles: vec![Role::Viewer], scopes: Scope::ALL.to_vec() }
    }

    fn here(idle: u64, most: u64, sessions_max: u64) -> Sessions {
        let (session_idle_seconds_max, session_seconds_max) = (idle, most);
        let limits =
            Limits { session_idle_seconds_max, session_seconds_max, sessions_max, ..Limits::default() };
        Sessions::new(None, &limits)
    }

    fn move_back(sessions: &Sessions, by_ms: u64, end: bool) {
        let Kept::Here(all) = &sessions.kept else { return };
        for used in held(all).values_mut() {
            used.idle_ends_ms -= by_ms;
            used.session.ends_ms -= if end { by_ms } else { 0 };
        }
    }

    #[tokio::test]
    async fn a_session_goes_on_while_it_is_used_but_not_for_ever() {
        let sessions = here(1800, 3600, 10);
        let number = sessions.begin(&ada()).await.unwrap();
        assert_eq!(number.len(), 43);
        for _ in 0..4 {
            move_back(&sessions, 1_700_000, false);
            assert_eq!(sessions.find(&number).await.unwrap(), Some(ada()));
        }
        assert_eq!(sessions.find("").await.unwrap(), None);
        move_back(&sessions, 1_800_001, false);
        assert_eq!(sessions.find(&number).await.unwrap(), None, "it was not used for half an hour");

        let number = sessions.begin(&ada()).await.unwrap();
        for _ in 0..2 {
            move_back(&sessions, 1_790_000, true);
            assert_eq!(sessions.find(&number).await.unwrap(), Some(ada()));
        }
        move_back(&sessions, 20_001, true);
        assert_eq!(sessions.find(&number).await.unwrap(), None, "it was used for an hour");
    }

    #[tokio::test]
    async fn the_oldest_goes_where_there_is_no_room_and_what_is_ended_is_gone() {
        let sessions = here(1800, 3600, 3);
        let mut numbers = Vec::new();
        for _ in 0..4 {
            move_back(&sessions, 1000, false);
            numbers.push(sessions.begin(&ada()).await.unwrap());
        }
        let mut there = Vec::new();
        for number in &numbers {
            there.push(sessions.find(number).await.unwrap().is_some());
        }
        assert_eq!(there, [false, true, true, true]);
        sessions.end(&numbers[2]).await.unwrap();
        assert_eq!(sessions.find(&numbers[2]).await.unwrap(), None);
        let Kept::Here(all) = &sessions.kept else { panic!("it is kept here") };
        assert!(numbers.iter().all(|number| !held(all).contains_key(number)), "numbers are kept as digests");
    }
}
