//! A proxy that gives each connection to the next server of several, as a load balancer does, and passes over one that is gone.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// A running proxy. It lives as long as the process of the tests.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    /// Connections that each server was given.
    given: Arc<Vec<AtomicUsize>>,
}

impl Proxy {
    pub(crate) fn before(servers: Vec<SocketAddr>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let given: Arc<Vec<AtomicUsize>> = Arc::new(servers.iter().map(|_| AtomicUsize::new(0)).collect());
        let counted = Arc::clone(&given);
        thread::spawn(move || {
            for (turn, client) in listener.incoming().flatten().enumerate() {
                let (servers, counted) = (servers.clone(), Arc::clone(&counted));
                thread::spawn(move || {
                    let order = (0..servers.len()).map(|step| (turn + step) % servers.len());
                    let taken = order.filter_map(|at| Some((at, TcpStream::connect(servers[at]).ok()?)));
                    if let Some((at, server)) = { taken }.next() {
                        counted[at].fetch_add(1, Ordering::Relaxed);
                        pass_on(&client, &server);
                    }
                });
            }
        });
        Proxy { address, given }
    }

    /// Connections that each server was given so far.
    pub(crate) fn given(&self) -> Vec<usize> {
        self.given.iter().map(|count| count.load(Ordering::Relaxed)).collect()
    }
}

/// Both ways, until the server has said all; what breaks off breaks off for the client.
fn pass_on(client: &TcpStream, server: &TcpStream) {
    thread::scope(|scope| {
        scope.spawn(|| {
            let (mut from, mut to) = (client, server);
            let _ = io::copy(&mut from, &mut to);
            let _ = server.shutdown(Shutdown::Write);
        });
        let (mut from, mut to) = (server, client);
        let _ = io::copy(&mut from, &mut to);
        let _ = client.shutdown(Shutdown::Both);
    });
}
