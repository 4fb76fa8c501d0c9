//! The tools a brain is offered, and the door every tool call passes: names and arguments come in as a brain wrote
//! them and leave as a typed [`ToolRequest`] or as the argument that was wrong. Running them belongs to `pipeline`.

use serde_json::Value;

use crate::base::tool::{ToolOutcome, ToolRequest};

/// The argument that did not pass, and what would.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("argument {field} is wrong; allowed: {allowed}")]
pub struct InvalidArgument {
    pub field: String,
    pub allowed: String,
}

impl From<InvalidArgument> for ToolOutcome {
    fn from(invalid: InvalidArgument) -> ToolOutcome {
        ToolOutcome::InvalidArgument { field: invalid.field, allowed: invalid.allowed }
    }
}

/// Turns a brain's tool call into a request. Unknown names and arguments are refused like wrong ones.
pub fn parse(name: &str, arguments: &Value) -> Result<ToolRequest, InvalidArgument> {
    let mut object = arguments.as_object().cloned().unwrap_or_default();
    object.insert("tool".to_owned(), Value::String(name.to_owned()));
    serde_json::from_value(Value::Object(object))
        .map_err(|error| InvalidArgument { field: "arguments".to_owned(), allowed: error.to_string() })
}
