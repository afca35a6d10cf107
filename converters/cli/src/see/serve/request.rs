//! The head of an HTTP request, as much of it as matters here.

use std::io::Read;

/// Most bytes of a request's head.
pub const MOST_HEAD: usize = 8 << 10;

/// Status and reason.
pub type Refused = (u16, &'static str);

const BAD: Refused = (400, "Bad Request");

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    /// Without a query.
    pub path: String,
    /// Only the head of the answer is wanted.
    pub head_only: bool,
    host: String,
}

impl Request {
    /// Reads a head; what comes after it is left alone.
    pub fn read(source: &mut impl Read) -> Result<Self, Refused> {
        let mut head = Vec::new();
        let mut part = [0; 1024];
        loop {
            let got = source
                .read(&mut part)
                .map_err(|_| (408, "Request Timeout"))?;
            if got == 0 {
                return Err(BAD);
            }
            // The end may lie across two parts.
            let from = head.len().saturating_sub(3);
            head.extend_from_slice(&part[..got]);
            if let Some(end) = head[from..].windows(4).position(|w| w == b"\r\n\r\n") {
                return Self::parse(&head[..from + end]);
            }
            if head.len() >= MOST_HEAD {
                return Err((431, "Request Header Fields Too Large"));
            }
        }
    }

    fn parse(head: &[u8]) -> Result<Self, Refused> {
        let text = std::str::from_utf8(head).map_err(|_| BAD)?;
        let mut lines = text.split("\r\n");
        let first = lines.next().unwrap_or("");
        let words: Vec<_> = first.split(' ').collect();
        let [method, target, version] = words[..] else {
            return Err(BAD);
        };
        if !version.starts_with("HTTP/1.") || !target.starts_with('/') {
            return Err(BAD);
        }
        let mut host = None;
        for line in lines {
            let (name, value) = line.split_once(':').ok_or(BAD)?;
            if name.eq_ignore_ascii_case("host") && host.replace(value.trim()).is_some() {
                return Err(BAD);
            }
        }
        let head_only = match method {
            "GET" => false,
            "HEAD" => true,
            _ => return Err((405, "Method Not Allowed")),
        };
        let path = target.split(['?', '#']).next().unwrap_or("/");
        Ok(Self {
            path: path.to_owned(),
            head_only,
            host: host.unwrap_or("").to_owned(),
        })
    }

    /// True when the client calls this machine by a name that no other site can have.
    pub fn is_for_loopback(&self) -> bool {
        let host = match self.host.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
            _ => &self.host,
        };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let ip = bare.parse::<std::net::IpAddr>();
        host.eq_ignore_ascii_case("localhost") || ip.is_ok_and(|ip| ip.is_loopback())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Request, u16> {
        Request::read(&mut text.as_bytes()).map_err(|refused| refused.0)
    }

    #[test]
    fn heads_are_read_or_refused() {
        let request =
            read("GET /state?x=1 HTTP/1.1\r\nHOST: localhost:80\r\nA: b\r\n\r\nbody").unwrap();
        assert_eq!(
            (request.path.as_str(), request.head_only),
            ("/state", false)
        );
        assert!(request.is_for_loopback());
        assert!(read("HEAD / HTTP/1.0\r\n\r\n").unwrap().head_only);
        for (text, status) in [
            ("", 400),
            ("GET / HTTP/1.1\r\n", 400),
            ("GET /\r\n\r\n", 400),
            ("GET http://a/ HTTP/1.1\r\n\r\n", 400),
            ("GET / HTTP/2\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\n\r\n", 405),
        ] {
            assert_eq!(read(text), Err(status), "{text:?}");
        }
        let long = format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "b".repeat(MOST_HEAD));
        assert_eq!(read(&long), Err(431));
        assert_eq!(
            Request::read(&mut &b"GET /\xff HTTP/1.1\r\n\r\n"[..]),
            Err(BAD)
        );
    }

    #[test]
    fn only_loopback_is_loopback() {
        for (host, local) in [
            ("127.0.0.1", true),
            ("127.0.0.1:8080", true),
            ("LocalHost:1", true),
            ("[::1]:8080", true),
            ("evil.example:8080", false),
            ("127.0.0.1.evil.example", false),
            ("192.168.1.5:8080", false),
            ("", false),
        ] {
            let request = read(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).unwrap();
            assert_eq!(request.is_for_loopback(), local, "{host}");
        }
    }
}
