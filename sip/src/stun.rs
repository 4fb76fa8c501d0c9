//! STUN as a keep-alive of SIP over UDP (RFC 5626 §4.4.2, RFC 5389 §7): a Binding request to the registrar holds the
//! NAT's binding open, and the answer tells where it is. Servers, integrity and everything else of STUN are left out.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bytes::Bytes;

const COOKIE: [u8; 4] = 0x2112_A442_u32.to_be_bytes();
const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];
const BINDING_SUCCESS: [u8; 2] = [0x01, 0x01];
const MAPPED_ADDRESS: u16 = 0x0001;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const HEADER: usize = 20;

/// What makes an answer belong to its request.
pub type TransactionId = [u8; 12];

/// Whether a datagram is STUN: SIP never begins with these bits, and the cookie makes sure (RFC 5389 §8).
pub fn is_stun(datagram: &[u8]) -> bool {
    datagram.len() >= HEADER
        && datagram.first().is_some_and(|first| first & 0xC0 == 0)
        && datagram.get(4..8) == Some(&COOKIE[..])
}

/// A Binding request.
pub fn binding_request(id: TransactionId) -> Bytes {
    Bytes::from([&BINDING_REQUEST[..], &[0, 0], &COOKIE[..], &id[..]].concat())
}

/// The answer to `id`: our address as the server sees it. `None` for anything else.
pub fn mapped_address(datagram: &[u8], id: &TransactionId) -> Option<SocketAddr> {
    if !is_stun(datagram) || datagram.get(..2)? != BINDING_SUCCESS || datagram.get(8..HEADER)? != id {
        return None;
    }
    let length = usize::from(u16::from_be_bytes(datagram.get(2..4)?.try_into().ok()?));
    let mut rest = datagram.get(HEADER..HEADER + length)?;
    let mut plain = None;
    while let Some((head, body)) = rest.split_at_checked(4) {
        let [kind_high, kind_low, length_high, length_low] = head.try_into().ok()?;
        let length = usize::from(u16::from_be_bytes([length_high, length_low]));
        let value = body.get(..length)?;
        match u16::from_be_bytes([kind_high, kind_low]) {
            // Some NATs rewrite addresses that they find in packets; the masked one survives (RFC 5389 §15.2).
            XOR_MAPPED_ADDRESS => return address(value, Some(id)),
            MAPPED_ADDRESS => plain = address(value, None),
            _ => {}
        }
        rest = body.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    plain
}

/// Family, port and address, masked with the cookie and the `mask` where there is one.
fn address(value: &[u8], mask: Option<&TransactionId>) -> Option<SocketAddr> {
    let key: Vec<u8> = match mask {
        Some(id) => [&COOKIE[..], &id[..]].concat(),
        None => vec![0; 16],
    };
    let unmask = |bytes: &[u8]| bytes.iter().zip(&key).map(|(byte, key)| byte ^ key).collect::<Vec<u8>>();
    let port = u16::from_be_bytes(unmask(value.get(2..4)?).try_into().ok()?);
    let ip = match value.get(1)? {
        1 => IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(unmask(value.get(4..8)?)).ok()?)),
        2 => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(unmask(value.get(4..20)?)).ok()?)),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5769 §2.2 and §2.3, their addresses and transaction; attributes that are not read here left out but one.
    #[test]
    fn the_answers_of_the_test_vectors_are_read() {
        let id = [0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae];
        let answer = |attributes: &[u8]| {
            let length = u16::try_from(attributes.len()).expect("short").to_be_bytes();
            [&BINDING_SUCCESS[..], &length, &COOKIE, &id, attributes].concat()
        };
        let software = b"\x80\x22\x00\x0btest vector\x20";
        let v4 = [0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43];
        let v6 = [
            0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25,
            0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9,
        ];
        let plain = [0x00, 0x01, 0x00, 0x08, 0x00, 0x01, 0x80, 0x55, 192, 0, 2, 1];
        let read = |bytes: &[u8]| mapped_address(bytes, &id).map(|address| address.to_string());
        assert_eq!(read(&answer(&[&software[..], &v4].concat())).as_deref(), Some("192.0.2.1:32853"));
        assert_eq!(read(&answer(&v6)).as_deref(), Some("[2001:db8:1234:5678:11:2233:4455:6677]:32853"));
        assert_eq!(read(&answer(&plain)).as_deref(), Some("192.0.2.1:32853"));
        let whole = answer(&[&software[..], &v4].concat());
        for cut in 0..whole.len() {
            assert_eq!(read(&whole[..cut]), None, "cut at {cut}");
        }
        assert_eq!(mapped_address(&whole, &[0; 12]), None, "another request's answer");
        assert_eq!(read(&binding_request(id)), None);
        assert!(is_stun(&binding_request(id)) && !is_stun(b"INVITE sip:a@b SIP/2.0\r\n") && !is_stun(b"\r\n\r\n"));
    }
}
