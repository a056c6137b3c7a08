//! A cable before a broker that can be cut, in one direction or both: nothing comes through and nobody is told.

use std::net::{Ipv4Addr, SocketAddr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Which directions are cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// What its clients say.
    pub to_broker: bool,
    /// What they are told.
    pub from_broker: bool,
}

/// The cable.
pub struct Cable {
    /// Where it listens.
    pub address: SocketAddr,
    cut: watch::Sender<Cut>,
}

impl Cable {
    /// A cable to `upstream`, whole.
    pub async fn new(upstream: String) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("there is a free port");
        let address = listener.local_addr().expect("it has an address");
        let cut = watch::Sender::new(Cut::default());
        let state = cut.subscribe();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (mut state, upstream) = (state.clone(), upstream.clone());
                tokio::spawn(async move {
                    // A new connection needs both directions.
                    let whole = state.wait_for(|cut| *cut == Cut::default()).await.is_ok();
                    let Ok(server) = TcpStream::connect(&upstream).await else { return };
                    if whole {
                        let ((from, back), (answers, on)) = (client.into_split(), server.into_split());
                        tokio::spawn(carry(from, on, state.clone(), |cut| cut.to_broker));
                        tokio::spawn(carry(answers, back, state, |cut| cut.from_broker));
                    }
                });
            }
        });
        Cable { address, cut }
    }

    /// Cuts it, or mends it.
    pub fn set(&self, cut: Cut) {
        self.cut.send_replace(cut);
    }
}

/// Carries bytes one way. What comes while that is cut waits, as it does where a network is parted.
async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut state: watch::Receiver<Cut>,
    is_cut: fn(&Cut) -> bool,
) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let whole = state.wait_for(|cut| !is_cut(cut)).await.is_ok();
        if !whole || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
    // The end of a connection does not come through a cut cable either.
    let _ = state.wait_for(|cut| !is_cut(cut)).await;
}
