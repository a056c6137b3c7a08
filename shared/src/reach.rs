//! Where the sources of a tenant may lie. One rule for REST, MCP and the lines of manifest files: who lists looks, so that the
//! client hears it at once, and who fetches looks again.
//!
//! Whoever sits at this machine reaches everything. A tenant reaches public `https://` addresses, its own uploaded scores, and
//! what `RIPIENO_SOURCES` says.

use crate::config;
use crate::failure::{Failure, FailureKind};
use crate::ledger::Ledger;
use crate::principal::{LOCAL_TENANT, tenant as tenant_name};
use crate::public::is_public;
use crate::store::{self, Stores};
use object_store::ObjectStore;
use object_store::path::Path;
use std::net::IpAddr;
use std::path::{Component, PathBuf};
use std::sync::Arc;
use url::{Host, Url};

/// What a tenant may reach.
#[derive(Clone, Debug)]
pub struct Reach {
    bounds: Bounds,
    /// The ledger whose uploaded scores lie sealed, so that only it can open them.
    sealed: Option<Box<Ledger>>,
}

#[derive(Clone, Debug)]
enum Bounds {
    Everything,
    These(Vec<Place>),
}

/// Everything below a folder of this machine, or below a prefix of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Folder(PathBuf),
    Store(String, Path),
}

/// How a source is come by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// A file of this machine: where it lies when every link is followed.
    File(PathBuf),
    /// A store that the operator named, or any.
    Store,
    /// An uploaded score of this digest, which lies sealed: by the ledger.
    Sealed(String),
    /// An address that anybody may name: by a client that goes to public addresses only.
    Public,
}

impl Reach {
    /// Everything: that of whoever sits at this machine.
    #[must_use]
    pub const fn everything() -> Self {
        Reach { bounds: Bounds::Everything, sealed: None }
    }

    /// Public addresses, and nothing else.
    #[must_use]
    pub const fn public() -> Self {
        Reach { bounds: Bounds::These(Vec::new()), sealed: None }
    }

    /// That of a tenant, as `RIPIENO_SOURCES` says.
    ///
    /// # Errors
    /// `malformed` for what is no place.
    pub fn of(tenant: &str) -> Result<Self, Failure> {
        Self::said(tenant, config::var("RIPIENO_SOURCES").as_deref().unwrap_or_default())
    }

    fn said(tenant: &str, places: &str) -> Result<Self, Failure> {
        if tenant == LOCAL_TENANT {
            return Ok(Reach::everything());
        }
        let mut all = Vec::new();
        for place in places.split(',').map(str::trim).filter(|place| !place.is_empty()) {
            let (of, place) = match place.split_once('=') {
                Some((of, place)) if tenant_name(of).is_ok() => (Some(of), place),
                _ => (None, place),
            };
            let place = Place::read(&place.replace("{tenant}", tenant))
                .map_err(|failure| named("RIPIENO_SOURCES", failure))?;
            if of.is_none_or(|of| of == tenant) {
                all.push(place);
            }
        }
        Ok(Reach { bounds: Bounds::These(all), sealed: None })
    }

    /// With one place more: where the ledger has a tenant's uploaded scores.
    ///
    /// # Errors
    /// `malformed` for what is no place.
    pub fn with(mut self, place: &str) -> Result<Self, Failure> {
        if let Bounds::These(places) = &mut self.bounds {
            places.push(Place::read(place)?);
        }
        Ok(self)
    }

    /// With the ledger that opens its tenant's uploaded scores.
    #[must_use]
    pub fn with_sealed_scores(self, ledger: Ledger) -> Self {
        Reach { sealed: Some(Box::new(ledger)), ..self }
    }

    /// The ledger that opens what is reached by [`Way::Sealed`].
    #[must_use]
    pub fn sealed(&self) -> Option<&Ledger> {
        self.sealed.as_deref()
    }

    /// Says how a source is come by, if it may be.
    ///
    /// # Errors
    /// `denied`, with what would be right; `not_found` and the like for a file that may be named and is not there.
    pub async fn way(&self, address: &str) -> Result<Way, Failure> {
        if let Some(digest) = self.sealed().and_then(|ledger| ledger.score_at(address)) {
            return Ok(Way::Sealed(digest));
        }
        let is_url = store::is_url(address);
        let Bounds::These(places) = &self.bounds else {
            return Ok(if is_url { Way::Store } else { Way::File(PathBuf::from(address)) });
        };
        let file = match is_url && address.starts_with("file:") {
            true => Url::parse(address).ok().and_then(|url| url.to_file_path().ok()),
            false => (!is_url).then(|| PathBuf::from(address)),
        };
        if let Some(file) = file {
            return within(places, &file);
        }
        if places.iter().any(|place| place.holds_url(address)) {
            return Ok(Way::Store);
        }
        public(address).await.map(|()| Way::Public)
    }

    /// Opens the store of a URL, for whoever lists it.
    ///
    /// # Errors
    /// As [`Reach::way`], and what the store says.
    pub async fn open(&self, address: &str) -> Result<(Arc<dyn ObjectStore>, Path), Failure> {
        match self.way(address).await? {
            Way::Public => store::open_public(address),
            Way::Store | Way::File(_) | Way::Sealed(_) => store::open(address),
        }
    }

    /// As [`Reach::open`], where stores that are open already are used again.
    ///
    /// # Errors
    /// As [`Reach::open`].
    pub async fn open_in(
        &self,
        stores: &Stores,
        address: &str,
    ) -> Result<(Arc<dyn ObjectStore>, Path), Failure> {
        match self.way(address).await? {
            Way::Public => stores.open_public(address),
            Way::Store | Way::File(_) | Way::Sealed(_) => stores.open(address),
        }
    }
}

/// Where what anybody may have lies, as the operator says: nothing else is shared between tenants.
#[derive(Clone, Debug)]
pub struct PublicPlaces(Vec<Place>);

impl PublicPlaces {
    /// What `RIPIENO_PUBLIC_SOURCES` says, if it says anything.
    ///
    /// # Errors
    /// `malformed` for what is no place.
    pub fn from_environment() -> Result<Option<Self>, Failure> {
        config::var("RIPIENO_PUBLIC_SOURCES").map(|places| Self::said(&places)).transpose()
    }

    fn said(places: &str) -> Result<Self, Failure> {
        let places = places.split(',').map(str::trim).filter(|place| !place.is_empty());
        let places: Result<_, Failure> = places.map(Place::read).collect();
        places.map(PublicPlaces).map_err(|failure| named("RIPIENO_PUBLIC_SOURCES", failure))
    }

    /// Whether a source lies there. A link in a folder counts as what it leads to.
    #[must_use]
    pub fn hold(&self, address: &str) -> bool {
        if store::is_url(address) && !address.starts_with("file:") {
            return self.0.iter().any(|place| place.holds_url(address));
        }
        let file = match address.starts_with("file:") {
            true => Url::parse(address).ok().and_then(|url| url.to_file_path().ok()),
            false => Some(PathBuf::from(address)),
        };
        file.is_some_and(|file| matches!(within(&self.0, &file), Ok(Way::File(_))))
    }
}

impl Place {
    fn read(text: &str) -> Result<Self, Failure> {
        let wrong = || {
            let message = format!("{text:?} is neither an absolute folder nor a URL");
            Failure::new(FailureKind::Malformed, message)
        };
        if store::is_url(text) && !text.starts_with("file:") {
            let (root, path) = store::split(text)?;
            return Ok(Place::Store(root, path));
        }
        let path = match text.starts_with("file:") {
            true => Url::parse(text).ok().and_then(|url| url.to_file_path().ok()).ok_or_else(wrong)?,
            false => PathBuf::from(text),
        };
        // One that is not there yet may come.
        let path = path.canonicalize().unwrap_or(path);
        if path.is_absolute() { Ok(Place::Folder(path)) } else { Err(wrong()) }
    }

    fn holds_url(&self, address: &str) -> bool {
        match (self, store::split(address)) {
            (Place::Store(root, prefix), Ok((of, path))) => *root == of && path.prefix_matches(prefix),
            _ => false,
        }
    }

    fn holds_file(&self, path: &std::path::Path) -> bool {
        matches!(self, Place::Folder(folder) if path.starts_with(folder))
    }
}

/// The failure of a variable.
fn named(variable: &str, failure: Failure) -> Failure {
    Failure { message: format!("{variable}: {}", failure.message), ..failure }
}

/// A file that may be named. What lies elsewhere is answered alike, whether it is there or not.
fn within(places: &[Place], file: &std::path::Path) -> Result<Way, Failure> {
    let plain = file.is_absolute() && file.components().all(|part| part != Component::ParentDir);
    if plain && places.iter().any(|place| place.holds_file(file)) {
        let real = file.canonicalize().map_err(|error| {
            let kind = match error.kind() {
                std::io::ErrorKind::PermissionDenied => FailureKind::Denied,
                _ => FailureKind::NotFound,
            };
            Failure::new(kind, format!("it cannot be read: {error}"))
        })?;
        if places.iter().any(|place| place.holds_file(&real)) {
            return Ok(Way::File(real));
        }
    }
    Err(Failure::new(FailureKind::Denied, "it lies in no folder that you may name sources from"))
}

/// Refuses an address that is not public.
async fn public(address: &str) -> Result<(), Failure> {
    let denied = |message: String| Failure::new(FailureKind::Denied, message);
    let url = Url::parse(address).map_err(|error| {
        Failure::new(FailureKind::Malformed, format!("{address:?} is not a URL: {error}"))
    })?;
    if url.scheme() != "https" {
        return Err(denied(format!("{}:// is not fetched for clients: say https://", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(denied("a URL with a password in it is not fetched".to_owned()));
    }
    let addresses: Vec<IpAddr> = match url.host() {
        Some(Host::Ipv4(address)) => vec![address.into()],
        Some(Host::Ipv6(address)) => vec![address.into()],
        Some(Host::Domain(name)) => {
            let found = tokio::net::lookup_host((name, url.port().unwrap_or(443))).await;
            let found = found.map_err(|error| {
                Failure::new(FailureKind::NotFound, format!("{name} has no address: {error}"))
            })?;
            found.map(|address| address.ip()).collect()
        }
        None => Vec::new(),
    };
    if addresses.is_empty() || !addresses.iter().all(|address| is_public(*address)) {
        return Err(denied(format!("{address:?} lies in a private network, which is not fetched from")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn refused(reach: &Reach, address: &str) -> String {
        reach.way(address).await.map_or_else(|failure| failure.to_string(), |way| format!("{way:?}"))
    }

    #[tokio::test]
    async fn private_places_are_refused_in_whatever_dress() {
        for (url, said) in [
            ("http://example.org/a.krn", "say https://"),
            ("file:///etc/passwd", "no folder"),
            ("s3://bucket/a.krn", "say https://"),
            ("https://user:pass@93.184.216.34/a.krn", "password"),
            ("https://127.0.0.1/a.krn", "private network"),
            ("https://2130706433/a.krn", "private network"),
            ("https://0x7f.1/a.krn", "private network"),
            ("https://10.1.2.3/a.krn", "private network"),
            ("https://169.254.169.254/latest/meta-data", "private network"),
            ("https://100.100.0.1/", "private network"),
            ("https://[::1]/a.krn", "private network"),
            ("https://[::ffff:10.0.0.1]/a.krn", "private network"),
            ("https://[fd00::1]/a.krn", "private network"),
            ("https://[2002:7f00:1::]/a.krn", "private network"),
            ("https://localhost/a.krn", "private network"),
            ("/etc/passwd", "no folder"),
            ("not a url", "no folder"),
        ] {
            let said_now = refused(&Reach::public(), url).await;
            assert!(said_now.contains(said), "{url}: {said_now}");
        }
        for url in ["https://93.184.216.34/a.krn", "https://[2606:2800:220:1:248:1893:25c8:1946]/a.krn"] {
            assert_eq!(Reach::public().way(url).await, Ok(Way::Public));
        }
        assert_eq!(Reach::of(LOCAL_TENANT).unwrap().way("s3://bucket/x").await, Ok(Way::Store));
    }

    #[tokio::test]
    async fn a_tenant_reaches_its_own_prefixes_and_what_is_for_all() {
        let said = "s3://corpora/{tenant}/, uni-b=s3://b, http://127.0.0.1:9/open";
        let (a, b) = (Reach::said("uni-a", said).unwrap(), Reach::said("uni-b", said).unwrap());
        for (address, of_a, of_b) in [
            ("s3://corpora/uni-a/x.krn", true, false),
            ("s3://corpora/uni-b/x.krn", false, true),
            ("s3://corpora/uni-a", true, false),
            ("s3://corpora/uni-abc/x.krn", false, false),
            ("s3://corpora/uni-a/../uni-b/x.krn", false, true),
            ("s3://corpora/uni-a/%2e%2e/uni-b/x.krn", false, true),
            ("s3://corpora", false, false),
            ("s3://b/x.krn", false, true),
            ("s3://bb/x.krn", false, false),
            ("http://127.0.0.1:9/open/x.krn", true, true),
            ("http://127.0.0.1:9/other", false, false),
            ("http://127.0.0.1:99/open/x.krn", false, false),
        ] {
            assert_eq!(a.way(address).await == Ok(Way::Store), of_a, "{address} for a");
            assert_eq!(b.way(address).await == Ok(Way::Store), of_b, "{address} for b");
        }
        assert!(Reach::said("uni-a", "relative/folder").is_err());
        assert!(Reach::said("uni-a", "foo://x").is_err());
    }

    #[test]
    fn public_is_what_lies_where_the_operator_says_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().canonicalize().unwrap();
        let (open, shut) = (root.join("open"), root.join("shut"));
        for folder in [&open, &shut] {
            std::fs::create_dir_all(folder).unwrap();
            std::fs::write(folder.join("a.abc"), "X:1").unwrap();
        }
        std::os::unix::fs::symlink(shut.join("a.abc"), open.join("out.abc")).unwrap();
        let said = format!("{}, s3://open/, https://scores.example/free", open.display());
        let places = PublicPlaces::said(&said).unwrap();
        for (address, is) in [
            (format!("{}/a.abc", open.display()), true),
            (format!("file://{}/a.abc", open.display()), true),
            (format!("{}/out.abc", open.display()), false),
            (format!("{}/../shut/a.abc", open.display()), false),
            (format!("{}/a.abc", shut.display()), false),
            ("s3://open/x/a.krn".to_owned(), true),
            ("s3://opened/a.krn".to_owned(), false),
            ("https://scores.example/free/a.krn".to_owned(), true),
            ("https://scores.example/free/../own/a.krn".to_owned(), false),
            ("https://scores.example/own/a.krn".to_owned(), false),
            ("http://scores.example/free/a.krn".to_owned(), false),
        ] {
            assert_eq!(places.hold(&address), is, "{address}");
        }
        let failure = PublicPlaces::said("relative").unwrap_err();
        assert!(failure.message.starts_with("RIPIENO_PUBLIC_SOURCES: "), "{failure}");
    }

    #[tokio::test]
    async fn links_and_dots_lead_nowhere() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().canonicalize().unwrap();
        let (open, shut) = (root.join("open"), root.join("shut"));
        std::fs::create_dir_all(open.join("deep")).unwrap();
        std::fs::create_dir_all(&shut).unwrap();
        for file in [open.join("deep/a.abc"), shut.join("b.abc")] {
            std::fs::write(file, "X:1").unwrap();
        }
        std::os::unix::fs::symlink(shut.join("b.abc"), open.join("out.abc")).unwrap();
        std::os::unix::fs::symlink(open.join("deep/a.abc"), open.join("in.abc")).unwrap();
        let reach = Reach::said("uni-a", &format!("{}/open", root.display())).unwrap();
        let mut ways = std::collections::BTreeMap::new();
        let names =
            ["open/deep/a.abc", "open/in.abc", "open", "open/out.abc", "open/../shut/b.abc", "shut/b.abc"];
        for name in names.into_iter().chain(["shut/none", "opener", "", "open/none.abc"]) {
            ways.insert(name, reach.way(&format!("{}/{name}", root.display())).await);
        }
        let way = |name: &str| ways[name].clone();
        assert_eq!(way("open/deep/a.abc"), Ok(Way::File(open.join("deep/a.abc"))));
        assert_eq!(way("open/in.abc"), Ok(Way::File(open.join("deep/a.abc"))));
        assert_eq!(way("open"), Ok(Way::File(open.clone())));
        let kind = |name: &str| way(name).unwrap_err().kind;
        for name in ["open/out.abc", "open/../shut/b.abc", "shut/b.abc", "shut/none", "opener", ""] {
            assert_eq!(kind(name), FailureKind::Denied, "{name}");
        }
        assert_eq!(kind("open/none.abc"), FailureKind::NotFound);
    }
}
