//! Which way requests go, and where they go next when a server fails: RFC 3263 §4.3 message by message.

#[path = "ladder/bench.rs"]
mod bench;
#[path = "ways/failover.rs"]
mod failover;
