//! A RabbitMQ broker of one's own: started, killed, wiped, stopped, starved.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Where Debian's package has its programs; those on the path want to be another user.
const PROGRAMS: &str = "/usr/lib/rabbitmq/bin";
/// How long a start may take on a busy machine.
const START: Duration = Duration::from_secs(240);

/// The broker.
pub struct Broker {
    home: PathBuf,
    port: u16,
    dist_port: u16,
    management: Option<Management>,
    /// Certificate and key of its own, and the authority of those that it lets in, under its home.
    certificates: bool,
    child: Option<Child>,
}

/// The management interface of a broker.
#[derive(Clone, Copy)]
pub struct Management {
    /// Its port.
    pub port: u16,
    /// How often queues tell how deep they are, in milliseconds.
    pub told_every_ms: u64,
}

impl Broker {
    /// A broker whose data lie under `home`, started.
    ///
    /// # Panics
    /// When none starts, as all that is here.
    pub fn start(home: &Path) -> Self {
        Self::started(home, None, false)
    }

    /// The same with its management interface.
    pub fn managed(home: &Path, told_every_ms: u64) -> Self {
        Self::started(home, Some(told_every_ms), false)
    }

    /// The same, by TLS alone, for those alone that have a certificate of its authority: `ca.pem` is the authority under its home, `broker.pem` and
    /// `broker.key` are its own.
    pub fn by_tls(home: &Path) -> Self {
        Self::started(home, None, true)
    }

    fn started(home: &Path, told_every_ms: Option<u64>, certificates: bool) -> Self {
        let port = free_port();
        let management = told_every_ms.map(|told_every_ms| Management { port: port + 2, told_every_ms });
        let mut broker = Broker {
            home: home.to_owned(),
            port,
            dist_port: port + 1,
            management,
            certificates,
            child: None,
        };
        broker.restart();
        broker
    }

    /// The port of its management interface, if it has one.
    pub fn management_port(&self) -> Option<u16> {
        self.management.map(|management| management.port)
    }

    /// Its address.
    pub fn uri(&self) -> String {
        let scheme = if self.certificates { "amqps" } else { "amqp" };
        format!("{scheme}://guest:guest@127.0.0.1:{}", self.port)
    }

    fn command(&self, program: &str) -> Command {
        let home = &self.home;
        for folder in ["home", "mnesia", "log"] {
            fs::create_dir_all(home.join(folder)).expect("a folder can be made");
        }
        let kind = if self.certificates { "ssl" } else { "tcp" };
        let mut config = format!("listeners.{kind}.local = 127.0.0.1:{}\n", self.port);
        if self.certificates {
            let file = |name: &str| home.join(name).display().to_string();
            config += &format!("listeners.tcp = none\nssl_options.cacertfile = {}\n", file("ca.pem"));
            config += &format!("ssl_options.certfile = {}\n", file("broker.pem"));
            config += &format!("ssl_options.keyfile = {}\n", file("broker.key"));
            config += "ssl_options.verify = verify_peer\nssl_options.fail_if_no_peer_cert = true\n";
        }
        let (mut plugins, mut advanced) = ("[].\n", "[].\n".to_owned());
        if let Some(Management { port, told_every_ms }) = self.management {
            config += &format!("management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {port}\n");
            config += &format!("collect_statistics_interval = {told_every_ms}\n");
            plugins = "[rabbitmq_management].\n";
            advanced = format!("[{{rabbit, [{{quorum_tick_interval, {told_every_ms}}}]}}].\n");
        }
        fs::write(home.join("rabbitmq.conf"), config).expect("a file can be written");
        fs::write(home.join("advanced.config"), advanced).expect("a file can be written");
        fs::write(home.join("plugins"), plugins).expect("a file can be written");
        fs::write(home.join("env.conf"), "").expect("a file can be written");
        let mut command = Command::new(Path::new(PROGRAMS).join(program));
        command.env("HOME", home.join("home")).env("RABBITMQ_CONF_ENV_FILE", home.join("env.conf"));
        command.env("RABBITMQ_CONFIG_FILE", home.join("rabbitmq.conf"));
        command.env("RABBITMQ_ADVANCED_CONFIG_FILE", home.join("advanced.config"));
        command.env("RABBITMQ_ENABLED_PLUGINS_FILE", home.join("plugins"));
        command.env("RABBITMQ_NODENAME", format!("ripieno{}@localhost", self.port));
        command.env("RABBITMQ_NODE_PORT", self.port.to_string());
        command.env("RABBITMQ_DIST_PORT", self.dist_port.to_string());
        command.env("RABBITMQ_MNESIA_BASE", home.join("mnesia")).env("RABBITMQ_LOG_BASE", home.join("log"));
        command.env("ERL_EPMD_ADDRESS", "127.0.0.1");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Starts it on the data that are there; returns once its port is open.
    pub fn restart(&mut self) {
        let mut command = self.command("rabbitmq-server");
        self.child = Some(command.process_group(0).spawn().expect("rabbitmq-server is installed"));
        let until = Instant::now() + START;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            assert!(Instant::now() < until, "the broker did not start: see {}", self.home.display());
            sleep(Duration::from_millis(100));
        }
    }

    fn signal(&self, signal: &str) {
        if let Some(child) = &self.child {
            let group = format!("-{}", child.id());
            let _ = Command::new("kill").args([signal, "--", &group]).status();
        }
    }

    /// `kill -9`; returns once its port is closed, which may be a moment after the process is gone.
    pub fn kill(&mut self) {
        self.signal("-KILL");
        if let Some(mut child) = self.child.take() {
            let _ = child.wait();
        }
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() {
            sleep(Duration::from_millis(20));
        }
    }

    /// Takes its data away; it must be dead.
    pub fn wipe(&self) {
        fs::remove_dir_all(self.home.join("mnesia")).expect("its data can be removed");
    }

    /// Stops it where it is, with all connections open.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    /// Has it believe that it has no memory left, or enough again: it stops those that publish.
    pub fn starve(&self, starve: bool) {
        let share = if starve { "0.000001" } else { "0.4" };
        let status = self.command("rabbitmqctl").args(["set_vm_memory_high_watermark", share]).status();
        assert!(status.is_ok_and(|status| status.success()), "rabbitmqctl failed");
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port that nobody listens at now. Not one that the system gives to clients: who tries to connect to such a port until
/// somebody listens may at last be connected to himself.
fn free_port() -> u16 {
    let first = 10_000 + u16::try_from(std::process::id() % 10_000).expect("it is less than that");
    let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    (first..30_000).step_by(7).find(free).expect("there is a free port")
}
