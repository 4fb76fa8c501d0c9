//! What the program tells its operators: logs, metrics, and the mask that keeps personal data out of the former. Leaves
//! the record of calls to `store` and serving the metrics to `http`.

pub mod logs;
pub mod mask;
pub mod metrics;
mod trunks;

pub use mask::mask_text;
pub use metrics::Metrics;
pub use trunks::TrunkReading;
