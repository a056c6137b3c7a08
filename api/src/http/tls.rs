//! TLS at the listening end: a certificate and its key from files, which are read again once they have changed, so that a
//! certificate that was renewed needs no restart.

use shared::config;
use shared::failure::{Failure, FailureKind};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The variables that name the files.
const CERTIFICATE: &str = "RIPIENO_TLS_CERTIFICATE_FILE";
const KEY: &str = "RIPIENO_TLS_KEY_FILE";
/// How often the files are looked at, where somebody connects.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// By what a front shows who it is.
#[derive(Debug)]
pub struct Tls {
    files: Files,
    taken: Mutex<Taken>,
}

#[derive(Debug)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// What was read of the files.
struct Taken {
    acceptor: TlsAcceptor,
    changed: [Option<SystemTime>; 2],
    looked: Instant,
}

impl std::fmt::Debug for Taken {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Taken").finish_non_exhaustive()
    }
}

impl Tls {
    /// What the environment names; nothing where it names no files.
    ///
    /// # Errors
    /// `malformed` for one file without the other, and for what cannot be read or does not belong together.
    pub fn from_environment() -> Result<Option<Self>, Failure> {
        match (config::var(CERTIFICATE), config::var(KEY)) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => Self::of(certificate.into(), key.into()).map(Some),
            _ => Err(wrong(&format!("{CERTIFICATE} and {KEY} belong together: set both, or neither"))),
        }
    }

    fn of(certificate: PathBuf, key: PathBuf) -> Result<Self, Failure> {
        let files = Files { certificate, key };
        let changed = files.changed();
        let taken = Taken { acceptor: files.read()?, changed, looked: Instant::now() };
        Ok(Tls { files, taken: Mutex::new(taken) })
    }

    /// What greets the next connection.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.looked.elapsed() < LOOK_EVERY {
            return taken.acceptor.clone();
        }
        taken.looked = Instant::now();
        let changed = self.files.changed();
        if changed != taken.changed {
            match self.files.read() {
                Ok(acceptor) => (taken.acceptor, taken.changed) = (acceptor, changed),
                // One file may be there before the other: it is tried again.
                Err(failure) => tracing::warn!(%failure, "the certificate of before stays"),
            }
        }
        taken.acceptor.clone()
    }
}

impl Files {
    fn changed(&self) -> [Option<SystemTime>; 2] {
        let changed = |path: &Path| fs::metadata(path).ok()?.modified().ok();
        [changed(&self.certificate), changed(&self.key)]
    }

    fn read(&self) -> Result<TlsAcceptor, Failure> {
        let of = |path: &Path, what: &dyn std::fmt::Display| wrong(&format!("{}: {what}", path.display()));
        let chain = CertificateDer::pem_file_iter(&self.certificate).and_then(Iterator::collect);
        let chain: Vec<_> = chain.map_err(|error| of(&self.certificate, &error))?;
        if chain.is_empty() {
            return Err(of(&self.certificate, &"it has no certificate (PEM)"));
        }
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|error| of(&self.key, &error))?;
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key));
        let mut config = config.map_err(|error| of(&self.key, &error))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

fn wrong(message: &str) -> Failure {
    Failure::new(FailureKind::Malformed, format!("TLS of the front: {message}"))
}
