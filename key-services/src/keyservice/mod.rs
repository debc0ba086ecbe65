//! Key services of sops itself: `sops keyservice`, or another program that speaks the same gRPC call, on a Unix or a TCP socket.
//!
//! gRPC is a call by HTTP/2. The crates for it bring an asynchronous run-time, for one call of half a kilobyte. What one call needs of HTTP/2 is
//! written here: a connection for each call, headers that are not compressed, and no more than fits the first window. The one thing that this
//! cannot read is the text of a refusal, which servers compress: the message refers to the log of the service.

mod address;
mod frames;
mod message;
mod service;

pub(crate) use self::service::KeyService;
