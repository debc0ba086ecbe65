//! Key services of sops itself: `sops keyservice`, or another program that speaks the same gRPC call, on a Unix or a TCP socket.
//!
//! gRPC is a call by HTTP/2. The crates for it bring an asynchronous run-time, for one call of half a kilobyte. What one call needs of HTTP/2 is
//! written here: a connection for each call, headers that are not compressed, and no more than fits the first window. Of the headers of an answer,
//! the one with the reason of a refusal is read.

mod address;
mod frames;
mod headers;
mod message;
mod service;

pub(crate) use self::service::KeyService;
