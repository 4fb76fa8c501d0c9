//! Telefonist answers the phone. The floors and rooms are drawn in ARCHITECTURE.md, and a test holds them to it.

pub mod agent;
pub mod app;
pub mod audiosocket;
pub mod base;
pub mod bench;
pub mod call;
pub mod cli;
pub mod demo;
pub mod dialogue;
pub mod doctor;
pub mod errors;
pub mod http;
pub mod leg;
pub mod media;
pub mod pbx;
pub mod pipeline;
pub mod provider;
pub mod reference_store;
pub mod route;
pub mod settings;
pub mod shop;
pub mod spoken;
pub mod store;
pub mod switch;
pub mod telemetry;
pub mod trunk;
