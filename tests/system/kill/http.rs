//! As much of HTTP/1.1 as the runner and the ERP use with each other (RFC 9112): messages whose length
//! is in their head.

use super::wire::Seen;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The end of a head.
const END: &[u8] = b"\r\n\r\n";

/// A request, as it was sent.
pub(super) struct Request {
    pub(super) seen: Seen,
    pub(super) bytes: Vec<u8>,
}

impl Request {
    pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Self> {
        let bytes = message(stream).await?;
        let head = head(&bytes);
        let mut line = head.lines().next().unwrap().split(' ');
        let (method, target) = (line.next().unwrap().to_owned(), line.next().unwrap().to_owned());
        let key = header(&head, "idempotency-key").map(str::to_owned);
        Ok(Self { seen: Seen { method, target, key }, bytes })
    }
}

/// Reads one whole message.
pub(super) async fn message(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let (mut bytes, mut most) = (Vec::new(), usize::MAX);
    while bytes.len() < most {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(end) = bytes.windows(END.len()).position(|window| window == END) {
            let length = header(&head(&bytes), "content-length").map_or(0, |text| text.parse().unwrap());
            most = end + END.len() + length;
        }
    }
    Ok(bytes)
}

/// An answer after which the connection ends.
pub(super) fn closing(answer: &[u8]) -> Vec<u8> {
    let line = answer.windows(2).position(|window| window == b"\r\n").unwrap() + 2;
    [&answer[..line], b"connection: close\r\n", &answer[line..]].concat()
}

fn head(message: &[u8]) -> String {
    let end = message.windows(END.len()).position(|window| window == END).unwrap();
    String::from_utf8(message[..end].to_vec()).unwrap()
}

fn header<'a>(head: &'a str, wanted: &str) -> Option<&'a str> {
    let mut headers = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    headers.find_map(|(name, value)| name.eq_ignore_ascii_case(wanted).then(|| value.trim()))
}

/// Goes on only where the value is there.
macro_rules! wants {
    ($value:expr) => {
        if $value.is_none() {
            return Ok(None);
        }
    };
}
pub(super) use wants;
