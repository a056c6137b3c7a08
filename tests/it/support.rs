//! The program under test, and corpora to run it on.

use crate::http::server::Server;
use shared::dispatch::Dispatcher;
use shared::dispatch::rabbitmq::RabbitMq;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
pub use tests::tune;

/// The built command line, which `tests/run` builds before the tests.
pub fn program() -> PathBuf {
    let tests = std::env::current_exe().expect("a test knows where it is");
    let path = tests.ancestors().nth(2).expect("it is in target/PROFILE/deps").join("ripieno");
    assert!(path.is_file(), "{} is not built: cargo build --bins", path.display());
    path
}

/// The broker that `tests/run` started or found.
pub fn broker() -> Option<String> {
    shared::config::var("RIPIENO_TEST_BROKER")
}

/// `ripieno` with a data folder of its own.
pub fn ripieno(data: &Path) -> Command {
    let mut command = Command::new(program());
    command.arg("--data").arg(data).env_remove("RIPIENO_DATA");
    command.env_remove("RIPIENO_BROKER").env_remove("RIPIENO_STORE");
    command
}

/// Runs a command to its end; says its exit code, and its output and errors as text.
pub fn finish(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("the program speaks UTF-8");
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

/// The files that a run writes, in one string, for comparing.
pub fn tables(out: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> =
        fs::read_dir(out).expect("the folder is there").map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    files.iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
}

/// A folder of many tunes, and one that is broken.
pub fn corpus(folder: &Path, files: u64, notes: usize) {
    fs::create_dir_all(folder.join("deep")).expect("a folder can be made");
    for seed in 0..files {
        let inside = if seed % 3 == 0 { "deep/" } else { "" };
        fs::write(folder.join(format!("{inside}tune{seed:04}.abc")), tune(seed, notes))
            .expect("a file can be written");
    }
    fs::write(folder.join("broken.mid"), b"MThd\0\0").expect("a file can be written");
}

/// A cluster of one test: a ledger in a folder, queues of its own. What it leaves in the broker is taken away in the end.
pub struct Cluster {
    queues: Queues,
    store: String,
    cache: PathBuf,
}

impl Cluster {
    pub fn new(uri: &str, home: &Path, name: &str) -> Self {
        Cluster {
            queues: Queues::new(uri, name),
            store: format!("file://{}", home.join("store").display()),
            cache: home.join("cache"),
        }
    }

    /// The same with its ledger in another store.
    pub fn with_store(mut self, store: String) -> Self {
        self.store = store;
        self
    }

    /// The command line, on this cluster.
    pub fn command(&self) -> Command {
        let mut command = Command::new(program());
        self.told_of(&mut command).env_remove("RIPIENO_SERVER");
        command
    }

    fn told_of<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("RIPIENO_BROKER", &self.queues.uri).env("RIPIENO_STORE", &self.store);
        command.env("RIPIENO_QUEUES", &self.queues.prefix).env("RIPIENO_CACHE", &self.cache)
    }

    pub fn front(&self) -> Server {
        Server::start_with(Path::new("unused"), |command| {
            self.told_of(command);
        })
    }

    pub fn worker(&self) -> Worker {
        let mut command = Command::new(program().with_file_name("ripieno-worker"));
        Worker(self.told_of(&mut command).spawn().expect("the worker starts"))
    }
}

/// The queues of one test, which are taken away when this is dropped: a broker has room for some three hundred (docs/operations.md).
pub struct Queues {
    pub uri: String,
    pub prefix: String,
}

impl Queues {
    pub fn new(uri: &str, name: &str) -> Self {
        Queues { uri: uri.to_owned(), prefix: format!("test-{name}-{}", std::process::id()) }
    }
}

impl Drop for Queues {
    fn drop(&mut self) {
        let (uri, prefix) = (&self.uri, &self.prefix);
        let remove = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let rabbit = RabbitMq::new(uri, prefix, 1).unwrap();
                let removed = rabbit.remove().await;
                let dispatcher = Dispatcher::RabbitMq(rabbit);
                dispatcher.close();
                dispatcher.leave().await;
                removed
            })
        };
        // A thread of its own, because the test may be in a runtime.
        let removed = std::thread::scope(|scope| scope.spawn(remove).join());
        // A second panic would end the whole run, and nobody would read why the test failed.
        assert!(matches!(removed, Ok(Ok(()))) || std::thread::panicking(), "{removed:?}");
    }
}

/// A worker of a cluster; it is killed when it is dropped.
pub struct Worker(Child);

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A certificate for a name, as `NAME.pem` and `NAME.key`, of the authority `ca`, which it is itself where it is called so.
pub fn certify(folder: &Path, name: &str) {
    let openssl = |arguments: &str| {
        let mut openssl = Command::new("openssl");
        let done =
            openssl.args(arguments.split(' ')).current_dir(folder).output().expect("openssl is installed");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2";
    if name == "ca" {
        openssl(&format!("req -x509 {key} -keyout ca.key -out ca.pem -subj /CN=ca"));
        return;
    }
    fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1").unwrap();
    openssl(&format!("req {key} -keyout {name}.key -out {name}.csr -subj /CN={name}"));
    openssl(&format!(
        "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out {name}.pem"
    ));
}
