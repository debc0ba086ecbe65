//! As much of HTTP/2 (RFC 9113) as one call of gRPC needs.

use std::io::{self, Read, Write};

use zeroize::Zeroizing;

use super::headers;

/// The most bytes of the payload of a frame, for both sides, as long as nobody asks for more.
const MOST_PAYLOAD: usize = 16_384;
/// The most bytes that either side sends on one stream before the other makes room.
const WINDOW: usize = 65_535;
/// The most frames that are read before an answer has to be complete.
const MOST_FRAMES: usize = 1000;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
const PRIORITY: u8 = 32;

/// A frame.
struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Zeroizing<Vec<u8>>,
}

/// What came back.
pub(crate) struct Answer {
    /// The body, which may hold a data key.
    pub body: Zeroizing<Vec<u8>>,
    /// The header that was looked for.
    pub header: Option<String>,
}

/// Posts `body` to `path` with `headers`, whose names are in lower case. Of the headers of the answer, `wanted` is looked for.
///
/// # Errors
///
/// If the connection breaks, the server refuses the stream, or sends what HTTP/2 does not have.
pub(crate) fn post(
    connection: &mut (impl Read + Write),
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    wanted: &str,
) -> io::Result<Answer> {
    if body.len() > WINDOW {
        return Err(io::Error::other("the data key is too long for one call"));
    }
    let mut sent = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    push(&mut sent, SETTINGS, 0, 0, b"");
    push(&mut sent, HEADERS, END_HEADERS, 1, &compressed(path, headers));
    let mut parts = body.chunks(MOST_PAYLOAD).peekable();
    while let Some(part) = parts.next() {
        let flags = if parts.peek().is_none() { END_STREAM } else { 0 };
        push(&mut sent, DATA, flags, 1, part);
    }
    connection.write_all(&sent)?;
    answer(connection, wanted)
}

fn answer(connection: &mut (impl Read + Write), wanted: &str) -> io::Result<Answer> {
    let mut body = Zeroizing::new(Vec::with_capacity(WINDOW));
    let mut header = None;
    for _ in 0..MOST_FRAMES {
        let frame = read(connection)?;
        match (frame.kind, frame.stream) {
            (SETTINGS | PING, 0) if frame.flags & ACK == 0 => acknowledge(connection, &frame)?,
            (DATA, 1) => {
                let data = unpadded(&frame)?;
                if body.len() + data.len() > WINDOW {
                    return Err(odd("an answer that is too long"));
                }
                body.extend_from_slice(data);
            }
            (HEADERS, 1) => header = headers::value(unpadded(&frame)?, wanted).or(header),
            (RST_STREAM, 1) | (GOAWAY, 0) => return Err(io::Error::other("the service ended the call")),
            _ => {}
        }
        if frame.stream == 1 && matches!(frame.kind, DATA | HEADERS) && frame.flags & END_STREAM != 0 {
            return Ok(Answer { body, header });
        }
    }
    Err(odd("frames without end"))
}

fn acknowledge(connection: &mut impl Write, frame: &Frame) -> io::Result<()> {
    let payload = if frame.kind == PING { frame.payload.as_slice() } else { b"" };
    let mut sent = Vec::new();
    push(&mut sent, frame.kind, ACK, 0, payload);
    connection.write_all(&sent)
}

fn read(connection: &mut impl Read) -> io::Result<Frame> {
    let mut head = [0; 9];
    connection.read_exact(&mut head)?;
    let [a, b, c, kind, flags, stream @ ..] = head;
    let length = u32::from_be_bytes([0, a, b, c]);
    let length = usize::try_from(length)
        .ok()
        .filter(|length| *length <= MOST_PAYLOAD)
        .ok_or_else(|| odd("a frame that is too long"))?;
    let mut payload = Zeroizing::new(vec![0; length]);
    connection.read_exact(&mut payload)?;
    let stream = u32::from_be_bytes(stream) & (u32::MAX >> 1);
    Ok(Frame {
        kind,
        flags,
        stream,
        payload,
    })
}

/// The payload of a frame without its padding, and without the priority that headers may begin with.
fn unpadded(frame: &Frame) -> io::Result<&[u8]> {
    let mut data = frame.payload.as_slice();
    if frame.flags & PADDED != 0 {
        let inner = data.split_first().and_then(|(padding, rest)| {
            let length = rest.len().checked_sub(usize::from(*padding))?;
            rest.get(..length)
        });
        data = inner.ok_or_else(|| odd("a frame without its padding"))?;
    }
    if frame.kind == HEADERS && frame.flags & PRIORITY != 0 {
        data = data.get(5..).ok_or_else(|| odd("a frame without its priority"))?;
    }
    Ok(data)
}

fn push(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let length = u32::try_from(payload.len()).unwrap_or_default().to_be_bytes();
    out.extend(length.into_iter().skip(1).chain([kind, flags]).chain(stream.to_be_bytes()));
    out.extend_from_slice(payload);
}

/// The headers in the form of HPACK (RFC 7541): `:method: POST` and `:scheme: http` by their numbers, the others as they are.
fn compressed(path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut block = vec![0x83, 0x86];
    for (name, value) in [(":path", path)].iter().chain(headers) {
        block.push(0);
        for text in [name, value] {
            length(&mut block, text.len());
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

/// A number in the form of HPACK, with a prefix of seven bits.
fn length(block: &mut Vec<u8>, number: usize) {
    let byte = |number: usize| u8::try_from(number).unwrap_or_default();
    let Some(mut rest) = number.checked_sub(127) else {
        return block.push(byte(number));
    };
    block.push(127);
    while rest > 127 {
        block.push(byte(rest & 127) | 128);
        rest >>= 7;
    }
    block.push(byte(rest));
}

fn odd(what: &str) -> io::Error {
    io::Error::other(format!("the service sent {what}, which is no gRPC"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that has said all it will say.
    struct Said(io::Cursor<Vec<u8>>, Vec<u8>);

    impl Read for Said {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            self.0.read(bytes)
        }
    }

    impl Write for Said {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The body and the header of an answer, or an error.
    type Heard = Result<(Vec<u8>, Option<String>), String>;

    fn said(frames: &[(u8, u8, u32, &[u8])]) -> (Heard, Vec<u8>) {
        let mut bytes = Vec::new();
        for (kind, flags, stream, payload) in frames {
            push(&mut bytes, *kind, *flags, *stream, payload);
        }
        let mut server = Said(io::Cursor::new(bytes), Vec::new());
        let answer = answer(&mut server, "why")
            .map(|answer| (answer.body.to_vec(), answer.header))
            .map_err(|error| error.to_string());
        (answer, server.1)
    }

    #[test]
    fn an_answer_may_come_in_parts_and_padded() {
        let (answer, sent) = said(&[
            (SETTINGS, 0, 0, b""),
            (PING, 0, 0, b"12345678"),
            (HEADERS, END_HEADERS, 1, b"\x88"),
            (DATA, 0, 1, b"ab"),
            (DATA, PADDED, 1, b"\x02cdxx"),
            (
                HEADERS,
                END_HEADERS | END_STREAM | PADDED | PRIORITY,
                1,
                b"\x0112345\0\x03why\x02noX",
            ),
        ]);
        assert_eq!(answer, Ok((b"abcd".to_vec(), Some("no".to_owned()))));
        assert_eq!(sent, b"\0\0\0\x04\x01\0\0\0\0\0\0\x08\x06\x01\0\0\0\x0012345678");
    }

    #[test]
    fn a_broken_answer_is_an_error() {
        assert!(said(&[(DATA, PADDED | END_STREAM, 1, b"\x09x")]).0.is_err());
        assert!(said(&[(HEADERS, PRIORITY | END_STREAM, 1, b"1234")]).0.is_err());
        assert!(said(&[(RST_STREAM, 0, 1, b"\0\0\0\0")]).0.is_err());
        assert!(said(&[(DATA, 0, 1, b"never ends")]).0.is_err());
        assert!(said(&[(DATA, 0, 1, &vec![0; MOST_PAYLOAD + 1])]).0.is_err());
        assert!(said(&[(DATA, 0, 1, [0; MOST_PAYLOAD].as_slice()); 5]).0.is_err());
    }

    #[test]
    fn lengths_have_the_form_of_hpack() {
        let encoded = |number| {
            let mut block = Vec::new();
            length(&mut block, number);
            block
        };
        assert_eq!(encoded(126), [126]);
        assert_eq!(encoded(127), [127, 0]);
        assert_eq!(encoded(1337 + 96), [127, 154, 10]);
    }
}
