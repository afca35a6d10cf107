//! Publishes messages to an MQTT broker: version 3.1.1, quality of service 0, a connection a message.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// For connecting, and for each answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Where messages go.
#[derive(Clone, Debug)]
pub struct Broker {
    /// `HOST:PORT`.
    pub address: String,
    /// Name and password, if the broker wants them.
    pub login: Option<(String, String)>,
}

impl Broker {
    /// Publishes one message.
    pub fn publish(&self, topic: &str, payload: &str) -> Result<()> {
        let failed = || format!("MQTT broker {}", self.address);
        let mut found = self.address.to_socket_addrs().with_context(failed)?;
        let address = found.next().with_context(failed)?;
        let mut socket = TcpStream::connect_timeout(&address, PATIENCE).with_context(failed)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        let login = self.login.as_ref();
        socket.write_all(&connect(login)?).with_context(failed)?;
        let mut answer = [0; 4];
        socket.read_exact(&mut answer).with_context(failed)?;
        if answer != [0x20, 2, 0, 0] && answer != [0x20, 2, 1, 0] {
            bail!(
                "MQTT broker {}: refused, answer {answer:02x?}",
                self.address
            );
        }
        let mut packets = packet(0x30, &[&text(topic)?, payload.as_bytes()])?;
        packets.extend([0xe0, 0]);
        socket.write_all(&packets).with_context(failed)
    }
}

fn connect(login: Option<&(String, String)>) -> Result<Vec<u8>> {
    let id = text(&format!("redpoll-{}", std::process::id()))?;
    // Protocol, version 4, a clean session, 30 s.
    let flags = if login.is_some() { 0xc2 } else { 0x02 };
    let head = [text("MQTT")?, vec![4, flags, 0, 30], id].concat();
    match login {
        Some((name, password)) => packet(0x10, &[&head, &text(name)?, &text(password)?]),
        None => packet(0x10, &[&head]),
    }
}

/// Text with its length before it.
fn text(text: &str) -> Result<Vec<u8>> {
    let length = u16::try_from(text.len()).context("MQTT: text of more than 65535 bytes")?;
    Ok([&length.to_be_bytes(), text.as_bytes()].concat())
}

/// A packet: its type, its length in digits of seven bits, its parts.
fn packet(kind: u8, parts: &[&[u8]]) -> Result<Vec<u8>> {
    let mut length: usize = parts.iter().map(|part| part.len()).sum();
    if length >= 1 << 28 {
        bail!("MQTT: a message of {length} bytes");
    }
    let mut out = vec![kind];
    loop {
        let digit = (length & 0x7f) as u8;
        length >>= 7;
        out.push(if length > 0 { digit | 0x80 } else { digit });
        if length == 0 {
            break;
        }
    }
    parts.iter().for_each(|part| out.extend_from_slice(part));
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_those_of_the_standard() {
        // Section 2.2.3: 321 is 0xc1 0x02.
        assert_eq!(
            packet(0x30, &[&[7; 321]]).unwrap()[..4],
            [0x30, 0xc1, 0x02, 7]
        );
        assert_eq!(packet(0xe0, &[]).unwrap(), [0xe0, 0]);
        let id = text(&format!("redpoll-{}", std::process::id())).unwrap();
        let head = |flags| [&[0, 4], &b"MQTT"[..], &[4, flags, 0, 30]].concat();
        let plain = connect(None).unwrap();
        assert_eq!(plain[2..], [head(2), id.clone()].concat());
        let login = connect(Some(&("me".into(), "key".into()))).unwrap();
        let more = [&[0, 2], &b"me"[..], &[0, 3], b"key"].concat();
        assert_eq!(login[2..], [head(0xc2), id, more].concat());
        assert!(text(&"x".repeat(65_536)).is_err());
    }
}
