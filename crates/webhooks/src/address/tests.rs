use super::*;

/// First and last address of every forbidden block, and the neighbours outside that are global.
const EDGES: &[(&str, bool)] = &[
    ("0.0.0.0", false),
    ("0.255.255.255", false),
    ("1.0.0.0", true),
    ("9.255.255.255", true),
    ("10.0.0.0", false),
    ("10.255.255.255", false),
    ("11.0.0.0", true),
    ("100.63.255.255", true),
    ("100.64.0.0", false),
    ("100.127.255.255", false),
    ("100.128.0.0", true),
    ("126.255.255.255", true),
    ("127.0.0.0", false),
    ("127.0.0.1", false),
    ("127.255.255.255", false),
    ("128.0.0.0", true),
    ("169.253.255.255", true),
    ("169.254.0.0", false),
    ("169.254.169.254", false),
    ("169.254.255.255", false),
    ("169.255.0.0", true),
    ("172.15.255.255", true),
    ("172.16.0.0", false),
    ("172.31.255.255", false),
    ("172.32.0.0", true),
    ("191.255.255.255", true),
    ("192.0.0.0", false),
    ("192.0.0.192", false),
    ("192.0.0.255", false),
    ("192.0.1.0", true),
    ("192.0.1.255", true),
    ("192.0.2.0", false),
    ("192.0.2.255", false),
    ("192.0.3.0", true),
    ("192.31.195.255", true),
    ("192.31.196.0", false),
    ("192.31.197.0", true),
    ("192.52.192.255", true),
    ("192.52.193.0", false),
    ("192.52.194.0", true),
    ("192.88.98.255", true),
    ("192.88.99.0", false),
    ("192.88.99.255", false),
    ("192.88.100.0", true),
    ("192.167.255.255", true),
    ("192.168.0.0", false),
    ("192.168.255.255", false),
    ("192.169.0.0", true),
    ("198.17.255.255", true),
    ("198.18.0.0", false),
    ("198.19.255.255", false),
    ("198.20.0.0", true),
    ("198.51.99.255", true),
    ("198.51.100.0", false),
    ("198.51.100.255", false),
    ("198.51.101.0", true),
    ("203.0.112.255", true),
    ("203.0.113.0", false),
    ("203.0.113.255", false),
    ("203.0.114.0", true),
    ("223.255.255.255", true),
    ("224.0.0.0", false),
    ("239.255.255.255", false),
    ("240.0.0.0", false),
    ("255.255.255.254", false),
    ("255.255.255.255", false),
    ("8.8.8.8", true),
    ("93.184.215.14", true),
];

const VERSION_6: &[(&str, bool)] = &[
    ("::", false),
    ("::1", false),
    ("::7f00:1", false),
    ("::808:808", false),
    ("64:ff9b::7f00:1", false),
    ("64:ff9b::808:808", false),
    ("64:ff9b:1::1", false),
    ("100::1", false),
    ("100:0:0:1::1", false),
    ("1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false),
    ("2000::", true),
    ("2001::", false),
    ("2001::1", false),
    ("2001:0:4136:e378:8000:63bf:3fff:fdd2", false),
    ("2001:10::1", false),
    ("2001:20::1", false),
    ("2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", false),
    ("2001:200::", true),
    ("2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", true),
    ("2001:db8::", false),
    ("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", false),
    ("2001:db9::", true),
    ("2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true),
    ("2002::", false),
    ("2002:7f00:1::", false),
    ("2002:c0a8:101::1", false),
    ("2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false),
    ("2003::", true),
    ("2606:4700:4700::1111", true),
    ("2620:4f:8000::1", false),
    ("2a00:1450:4001:80b::200e", true),
    ("3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true),
    ("3fff::", false),
    ("3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", false),
    ("3fff:1000::", true),
    ("3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true),
    ("4000::", false),
    ("5f00::1", false),
    ("fc00::", false),
    ("fd00::1", false),
    ("fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false),
    ("fe80::1", false),
    ("febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false),
    ("fec0::1", false),
    ("feff::1", false),
    ("ff00::1", false),
    ("ff02::1", false),
    ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false),
];

#[test]
fn every_edge_of_version_4_falls_on_its_side() {
    for (text, global) in EDGES {
        let address: Ipv4Addr = text.parse().unwrap();
        assert_eq!(is_global(IpAddr::V4(address)), *global, "{text}");
        let mapped = IpAddr::V6(address.to_ipv6_mapped());
        assert_eq!(is_global(mapped), *global, "{mapped}");
        let compatible = IpAddr::V6(Ipv6Addr::from_bits(address.to_bits().into()));
        assert!(!is_global(compatible), "{compatible}");
    }
}

#[test]
fn every_edge_of_version_6_falls_on_its_side() {
    for (text, global) in VERSION_6 {
        let address: IpAddr = text.parse().unwrap();
        assert_eq!(is_global(address), *global, "{text}");
    }
}
