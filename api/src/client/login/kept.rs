//! What is kept of logins: one file of the user's own, which nobody else can read.

use super::Login;
use shared::config;
use shared::failure::{Failure, FailureKind};
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Nobody but the user reads the file, and enters its folder.
const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// The logins of a user, by the URLs of the servers.
pub(crate) struct Logins {
    folder: PathBuf,
}

/// The logins in one hand: two commands at once would each renew a token, and one of the two would be worth nothing.
struct Held<'a> {
    logins: &'a Logins,
    _lock: File,
}

impl Logins {
    /// That of the user: `$XDG_CONFIG_HOME/ripieno`, else `~/.config/ripieno`.
    ///
    /// # Errors
    /// `malformed` where neither is known.
    pub(crate) fn of_user() -> Result<Self, Failure> {
        Ok(Logins { folder: config::user_folder()? })
    }

    fn path(&self) -> PathBuf {
        self.folder.join("logins.json")
    }

    /// Whether anything may be kept for a server. Nothing is made or locked for whoever never logged in.
    fn is_there(&self) -> bool {
        self.path().exists()
    }

    /// The login to a server, renewed if its token has ended.
    ///
    /// # Errors
    /// `denied` where it cannot be renewed, or others can read the file; `unavailable` where the provider does not answer.
    pub(crate) async fn login(&self, server: &str) -> Result<Option<Login>, Failure> {
        if !self.is_there() {
            return Ok(None);
        }
        let held = self.hold()?;
        let Some(login) = held.all()?.remove(key(server)) else { return Ok(None) };
        if login.is_fresh() {
            return Ok(Some(login));
        }
        let login = login.renewed().await?;
        held.put(server, Some(login.clone()))?;
        Ok(Some(login))
    }

    /// Keeps a login.
    ///
    /// # Errors
    /// `unavailable` where the file cannot be written; `denied` where others can read it.
    pub(crate) fn keep(&self, server: &str, login: Login) -> Result<PathBuf, Failure> {
        self.hold()?.put(server, Some(login)).map(|_| self.path())
    }

    /// Takes a login out.
    ///
    /// # Errors
    /// As [`Logins::keep`].
    pub(crate) fn take(&self, server: &str) -> Result<Option<Login>, Failure> {
        if !self.is_there() {
            return Ok(None);
        }
        self.hold()?.put(server, None)
    }

    fn hold(&self) -> Result<Held<'_>, Failure> {
        let lock = || -> io::Result<File> {
            DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&self.folder)?;
            let path = self.folder.join("logins.lock");
            let lock = OpenOptions::new().create(true).append(true).mode(FILE_MODE).open(path)?;
            lock.lock()?;
            Ok(lock)
        };
        let lock = lock().map_err(|error| unkept(&self.folder, &error))?;
        Ok(Held { logins: self, _lock: lock })
    }
}

impl Held<'_> {
    fn all(&self) -> Result<BTreeMap<String, Login>, Failure> {
        let path = self.logins.path();
        let read = || -> io::Result<Option<(u32, Vec<u8>)>> {
            match fs::metadata(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                found => Ok(Some((found?.mode(), fs::read(&path)?))),
            }
        };
        let Some((mode, bytes)) = read().map_err(|error| unkept(&path, &error))? else {
            return Ok(BTreeMap::new());
        };
        if mode & 0o077 != 0 {
            let message =
                format!("{0} can be read by others: chmod 600 {0}, and log in again", path.display());
            return Err(Failure::new(FailureKind::Denied, message));
        }
        serde_json::from_slice(&bytes).map_err(|error| {
            let message = format!("{}: {error}; remove it, and log in again", path.display());
            Failure::new(FailureKind::Malformed, message)
        })
    }

    /// Has a login take the place of another, or of none; says which.
    fn put(&self, server: &str, login: Option<Login>) -> Result<Option<Login>, Failure> {
        let mut all = self.all()?;
        let before = match login {
            Some(login) => all.insert(key(server).to_owned(), login),
            None => all.remove(key(server)),
        };
        let path = self.logins.path();
        let write = || -> io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(&self.logins.folder)?;
            file.write_all(&serde_json::to_vec_pretty(&all)?)?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)?;
            File::open(&self.logins.folder)?.sync_all()
        };
        write().map_err(|error| unkept(&path, &error))?;
        Ok(before)
    }
}

/// A server is the same with and without the last slash.
fn key(server: &str) -> &str {
    server.trim_end_matches('/')
}

fn unkept(path: &Path, error: &io::Error) -> Failure {
    Failure::new(FailureKind::Unavailable, format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn login(token: &str, expires_ms: Option<u64>) -> Login {
        Login {
            issuer: "https://id.example".into(),
            client: "ripieno".into(),
            resource: "https://scores.example".into(),
            access_token: token.into(),
            refresh_token: None,
            expires_ms,
        }
    }

    #[tokio::test]
    async fn logins_are_kept_by_server_and_for_nobody_else() {
        let home = tempfile::tempdir().unwrap();
        let logins = Logins { folder: home.path().join("config/ripieno") };
        assert!(logins.login("https://scores.example").await.unwrap().is_none());
        assert!(!logins.folder.exists(), "looking makes nothing");
        let path = logins.keep("https://scores.example/", login("one", None)).unwrap();
        logins.keep("https://other.example", login("two", Some(u64::MAX))).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!((mode(&path), mode(&logins.folder)), (0o600, 0o700));
        let token = |login: Option<Login>| login.map(|login| login.token().to_owned());
        assert_eq!(token(logins.login("https://scores.example").await.unwrap()), Some("one".into()));
        assert_eq!(token(logins.take("https://scores.example").unwrap()), Some("one".into()));
        assert_eq!(token(logins.login("https://scores.example").await.unwrap()), None);
        assert_eq!(token(logins.login("https://other.example/").await.unwrap()), Some("two".into()));

        logins.keep("https://scores.example", login("old", Some(1))).unwrap();
        let failure = logins.login("https://scores.example").await.err().unwrap();
        assert!(failure.kind == FailureKind::Denied && failure.message.contains("login` again"), "{failure}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let failure = logins.login("https://other.example").await.err().unwrap();
        assert!(failure.message.contains("chmod 600"), "{failure}");
    }
}
