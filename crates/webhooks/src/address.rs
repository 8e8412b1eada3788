//! Which addresses a delivery may go to: global unicast and nothing else.
//!
//! The tables follow the IANA special-purpose address registries. What is not listed as forbidden in
//! version 4 is global; in version 6 only `2000::/3` is, less what is listed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Blocks of version 4 that are not global unicast, each with its length of prefix.
const FORBIDDEN_V4: [(Ipv4Addr, u32); 16] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 31, 196, 0), 24),
    (Ipv4Addr::new(192, 52, 193, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

/// The only block of version 6 that holds global unicast addresses.
const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Blocks inside it that are something else: protocol assignments (Teredo and ORCHID among them),
/// documentation, 6to4, direct delegation of AS112, documentation again.
const FORBIDDEN_V6: [(Ipv6Addr, u32); 5] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Whether an address is global unicast. A version 4 address that is mapped into version 6
/// (`::ffff:a.b.c.d`) is judged as what it is; every other way to wrap one (compatible, NAT64, 6to4,
/// Teredo) is refused.
#[must_use]
pub fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_global_v4(v4),
        IpAddr::V6(v6) => v6
            .to_ipv4_mapped()
            .map_or_else(|| is_global_v6(v6), is_global_v4),
    }
}

fn is_global_v4(address: Ipv4Addr) -> bool {
    let inside = |(base, length): &(Ipv4Addr, u32)| {
        (address.to_bits() ^ base.to_bits())
            .checked_shr(32 - length)
            .unwrap_or(0)
            == 0
    };
    !FORBIDDEN_V4.iter().any(inside)
}

fn is_global_v6(address: Ipv6Addr) -> bool {
    let inside = |(base, length): &(Ipv6Addr, u32)| {
        (address.to_bits() ^ base.to_bits())
            .checked_shr(128 - length)
            .unwrap_or(0)
            == 0
    };
    inside(&GLOBAL_V6) && !FORBIDDEN_V6.iter().any(inside)
}

#[cfg(test)]
mod tests;
