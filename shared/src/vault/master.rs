//! Master keys: they wrap data keys and nothing else. Those of the environment are here; a service that keeps keys and never
//! gives them out would be another [`Master`].

use super::key::{DataKey, KEY_ID_BYTES, KeyId, SECRET_BYTES};
use super::sealed::{self, Head};
use crate::config;
use crate::failure::{Failure, FailureKind};
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use std::fmt::Debug;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What the name of a master key is made for.
const NAMED: &str = "ripieno 2026 name of a master key";

/// Whoever wraps data keys.
pub trait Master: Debug + Send + Sync {
    /// Name of the key that wraps now.
    fn name(&self) -> String;

    /// Whether it has the key of this name.
    fn has(&self, name: &str) -> bool;

    /// Wraps a key. It is bound to a text: with another it does not open.
    fn wrap<'a>(&'a self, secret: &'a [u8], bound: &'a str) -> BoxFuture<'a, Result<Vec<u8>, Failure>>;

    /// The key that was wrapped by the master key of this name, bound to this text.
    fn unwrap<'a>(
        &'a self,
        name: &'a str,
        wrapped: &'a [u8],
        bound: &'a str,
    ) -> BoxFuture<'a, Result<Zeroizing<Vec<u8>>, Failure>>;
}

/// Master keys that this process has: the first one wraps, the others unwrap what they have wrapped before.
#[derive(Debug)]
pub struct MasterKeys {
    first: DataKey,
    others: Vec<DataKey>,
}

/// The master keys that `RIPIENO_MASTER_KEY` or `RIPIENO_MASTER_KEY_FILE` give; none where neither is set.
///
/// # Errors
/// `malformed` for what is no key, `unavailable` for a file that cannot be read.
pub fn from_environment() -> Result<Option<Arc<dyn Master>>, Failure> {
    let wrong = |message: String| Failure::new(FailureKind::Malformed, message);
    let (variable, text) = match (config::var(config::MASTER_KEY), config::var(config::MASTER_KEY_FILE)) {
        (None, None) => return Ok(None),
        (Some(keys), None) => (config::MASTER_KEY, Zeroizing::new(keys)),
        (None, Some(path)) => {
            let read = std::fs::read_to_string(&path).map_err(|error| {
                let message = format!("{}: {path} cannot be read: {error}", config::MASTER_KEY_FILE);
                Failure::new(FailureKind::Unavailable, message)
            });
            (config::MASTER_KEY_FILE, Zeroizing::new(read?))
        }
        (Some(_), Some(_)) => {
            return Err(wrong(format!(
                "set {} or {}, not both",
                config::MASTER_KEY,
                config::MASTER_KEY_FILE
            )));
        }
    };
    let keys = MasterKeys::read(&text).map_err(|why| wrong(format!("{variable}: {why}")))?;
    Ok(Some(Arc::new(keys)))
}

impl MasterKeys {
    /// Reads keys: 64 hexadecimal digits each, with white space or commas between them. A line that begins with # is passed
    /// over.
    ///
    /// # Errors
    /// What is wrong, which tells nothing of a key.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        let words = lines.flat_map(|line| line.split([' ', '\t', '\r', ',']));
        let keys: Option<Vec<DataKey>> = words.filter(|word| !word.is_empty()).map(key).collect();
        let wrong = "a master key is 64 hexadecimal digits: make one with `openssl rand -hex 32`";
        let mut keys = keys.ok_or(wrong)?.into_iter();
        let first = keys.next().ok_or("there is no key: make one with `openssl rand -hex 32`")?;
        Ok(MasterKeys { first, others: keys.collect() })
    }

    fn find(&self, name: &str) -> Option<&DataKey> {
        std::iter::once(&self.first).chain(&self.others).find(|key| key.id().to_string() == name)
    }
}

/// A key by its digits; its name is a digest of it.
fn key(digits: &str) -> Option<DataKey> {
    let mut secret = Zeroizing::new([0; SECRET_BYTES]);
    if digits.len() != 2 * SECRET_BYTES || !digits.is_ascii() {
        return None;
    }
    for (byte, pair) in secret.iter_mut().zip(digits.as_bytes().chunks(2)) {
        let [high, low] = pair else { return None };
        let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
        *byte = value(*high)? << 4 | value(*low)?;
    }
    let digest = blake3::derive_key(NAMED, &*secret);
    let id: [u8; KEY_ID_BYTES] = *digest.first_chunk()?;
    DataKey::of(KeyId::of(id), &*secret)
}

impl Master for MasterKeys {
    fn name(&self) -> String {
        self.first.id().to_string()
    }

    fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    fn wrap<'a>(&'a self, secret: &'a [u8], bound: &'a str) -> BoxFuture<'a, Result<Vec<u8>, Failure>> {
        ready(sealed::seal(&self.first, bound, secret)).boxed()
    }

    fn unwrap<'a>(
        &'a self,
        name: &'a str,
        wrapped: &'a [u8],
        bound: &'a str,
    ) -> BoxFuture<'a, Result<Zeroizing<Vec<u8>>, Failure>> {
        let missing = || {
            let message = format!(
                "a data key is wrapped by the master key {name}, which {} does not give",
                config::MASTER_KEY
            );
            Failure::new(FailureKind::Unavailable, message)
        };
        let unwrapped = self.find(name).ok_or_else(missing).and_then(|key| {
            let (head, segments) = Head::split(wrapped).ok_or_else(|| sealed::damaged("a data key"))?;
            sealed::open(key, &head, bound, segments)
                .map_err(|_| sealed::damaged(&format!("the data key {bound}")))
        });
        ready(unwrapped.map(Zeroizing::new)).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_from_one_line_or_many_and_what_is_wrong_is_not_repeated() {
        let (a, b) = ("0123456789abcdef".repeat(4), "FF".repeat(32));
        for text in [format!("{a},{b}"), format!("# the new one\n{a}\n\n{b}\n"), format!(" {a}\t{b}\r\n")] {
            let keys = MasterKeys::read(&text).unwrap();
            assert_eq!(keys.others.len(), 1, "{text}");
            assert_eq!(keys.name(), MasterKeys::read(&a).unwrap().name());
            assert!(keys.has(&MasterKeys::read(&b).unwrap().name()));
        }
        for text in ["", "# nothing\n", "secret", &a[1..], &"g".repeat(64), &"é".repeat(32)] {
            let why = MasterKeys::read(text).unwrap_err();
            assert!(why.contains("openssl rand -hex 32"), "{why}");
        }
        assert!(!format!("{:?}", MasterKeys::read(&a).unwrap()).contains("0123456789abcdef0123"));
    }

    #[tokio::test]
    async fn a_wrapped_key_opens_with_its_master_and_its_text_only() {
        let (old, new) = ("11".repeat(32), "22".repeat(32));
        let before = MasterKeys::read(&old).unwrap();
        let wrapped = before.wrap(&[7; 32], "uni-a").await.unwrap();
        let both = MasterKeys::read(&format!("{new} {old}")).unwrap();
        assert_eq!(**both.unwrap(&before.name(), &wrapped, "uni-a").await.unwrap(), [7; 32]);
        assert!(both.unwrap(&before.name(), &wrapped, "uni-b").await.is_err());
        assert!(both.unwrap(&both.name(), &wrapped, "uni-a").await.is_err());
        let alone = MasterKeys::read(&new).unwrap();
        let failure = alone.unwrap(&before.name(), &wrapped, "uni-a").await.unwrap_err();
        assert!(failure.kind.is_transient() && failure.message.contains("RIPIENO_MASTER_KEY"), "{failure}");
    }
}
