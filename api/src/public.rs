//! Which addresses anybody may reach: what a client names is fetched and called there only, else it could have the front
//! look into the network that it stands in.

use std::net::{IpAddr, Ipv4Addr};

/// Whether an address is of the public network, in whatever dress.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4() {
            // Mapped and compatible addresses lead to the same machine.
            Some(address) => is_public_v4(address),
            // Global unicast, without the ranges that carry an IPv4 address or are for documents.
            None => match address.segments() {
                [0x64, 0xff9b, ..] | [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x2002, ..] => false,
                [first, ..] => (0x2000..0x4000).contains(&first),
            },
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127 | 224.., ..)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 168, _)
            | (192, 0, 0 | 2)
            | (100, 64..=127, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    !special
}
