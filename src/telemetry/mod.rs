//! What the program tells its operators: logs, metrics, captures of signalling, and the mask that keeps personal data out of the former. Leaves
//! the record of calls to `store` and serving the metrics to `http`.

pub mod hep;
pub mod logs;
pub mod mask;
pub mod metrics;
pub mod pcap;
mod trunks;

pub use mask::mask_text;
pub use metrics::Metrics;
pub use trunks::TrunkReading;
