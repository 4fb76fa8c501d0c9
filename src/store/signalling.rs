//! The signalling of calls: SIP messages, and the headers of RTP where they are kept, by the leg they belong to.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use sqlx::SqliteConnection;

use super::{Store, StoreError};
use crate::base::event::LegParty;
use crate::base::trace::{Direction, RtpHeader, RtpHeaders, SipMessage};
use crate::base::{CallId, EventKind, LegId};

pub(super) async fn append(db: &mut SqliteConnection, message: &SipMessage) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO sip_messages (leg, at_us, sent, transport, local, remote, message) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(message.leg.to_string())
    .bind(message.at_us)
    .bind(i64::from(message.direction == Direction::Sent))
    .bind(&message.transport)
    .bind(message.local.to_string())
    .bind(message.remote.to_string())
    .bind(&message.bytes)
    .execute(db)
    .await?;
    Ok(())
}

pub(super) async fn append_rtp(db: &mut SqliteConnection, headers: &RtpHeaders) -> Result<(), StoreError> {
    let Some(first) = headers.packets.first() else { return Ok(()) };
    sqlx::query("INSERT INTO rtp_headers (leg, at_us, local, packets) VALUES ($1, $2, $3, $4)")
        .bind(headers.leg.to_string())
        .bind(first.at_us)
        .bind(headers.local.to_string())
        .bind(packed(&headers.packets))
        .execute(db)
        .await?;
    Ok(())
}

/// One packet in the database: time, direction, address as IPv6, port, length, header.
const PACKED: usize = 8 + 1 + 16 + 2 + 2 + RtpHeader::OCTETS;

fn packed(packets: &[RtpHeader]) -> Vec<u8> {
    let mut out = Vec::with_capacity(packets.len() * PACKED);
    for packet in packets {
        let address = match packet.remote.ip() {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => address,
        };
        out.extend(packet.at_us.to_be_bytes());
        out.push(u8::from(packet.direction == Direction::Sent));
        out.extend(address.octets());
        out.extend(packet.remote.port().to_be_bytes());
        out.extend(packet.length.to_be_bytes());
        out.extend(packet.octets);
    }
    out
}

fn unpacked(bytes: &[u8]) -> Vec<RtpHeader> {
    let packet = |octets: &[u8]| {
        let (at_us, rest) = octets.split_first_chunk::<8>()?;
        let (sent, rest) = rest.split_first()?;
        let (address, rest) = rest.split_first_chunk::<16>()?;
        let (port, rest) = rest.split_first_chunk::<2>()?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        Some(RtpHeader {
            at_us: i64::from_be_bytes(*at_us),
            direction: if *sent == 0 { Direction::Received } else { Direction::Sent },
            remote: SocketAddr::new(Ipv6Addr::from(*address).to_canonical(), u16::from_be_bytes(*port)),
            length: u16::from_be_bytes(*length),
            octets: *rest.first_chunk()?,
        })
    };
    bytes.chunks_exact(PACKED).filter_map(packet).collect()
}

/// A leg of a call with its messages, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signalling {
    pub leg: LegId,
    pub party: LegParty,
    pub messages: Vec<SipMessage>,
    /// Empty unless headers were kept.
    pub rtp: Vec<RtpHeaders>,
}

impl Store {
    /// What was signalled on each leg of a call, in the order in which the legs joined it.
    pub async fn signalling(&self, id: CallId) -> Result<Vec<Signalling>, StoreError> {
        let mut legs = Vec::new();
        for event in self.timeline(id).await? {
            if let EventKind::LegJoined { leg, party } = event.kind {
                let (messages, rtp) = (self.messages(leg).await?, self.rtp_headers(leg).await?);
                legs.push(Signalling { leg, party, messages, rtp });
            }
        }
        Ok(legs)
    }

    async fn messages(&self, leg: LegId) -> Result<Vec<SipMessage>, StoreError> {
        type Columns = (i64, i64, String, String, String, Vec<u8>);
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT at_us, sent, transport, local, remote, message FROM sip_messages WHERE leg = $1 ORDER BY at_us",
        )
        .bind(leg.to_string())
        .fetch_all(&self.pool)
        .await?;
        let message = |(at_us, sent, transport, local, remote, bytes): Columns| {
            let direction = if sent == 0 { Direction::Received } else { Direction::Sent };
            let (local, remote) = (local.parse().ok()?, remote.parse().ok()?);
            Some(SipMessage { leg, at_us, direction, transport, local, remote, bytes })
        };
        Ok(rows.into_iter().filter_map(message).collect())
    }

    async fn rtp_headers(&self, leg: LegId) -> Result<Vec<RtpHeaders>, StoreError> {
        let rows: Vec<(String, Vec<u8>)> =
            sqlx::query_as("SELECT local, packets FROM rtp_headers WHERE leg = $1 ORDER BY at_us")
                .bind(leg.to_string())
                .fetch_all(&self.pool)
                .await?;
        let headers = |(local, packets): (String, Vec<u8>)| {
            Some(RtpHeaders { leg, local: local.parse().ok()?, packets: unpacked(&packets) })
        };
        Ok(rows.into_iter().filter_map(headers).collect())
    }
}
