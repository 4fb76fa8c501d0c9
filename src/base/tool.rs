//! What an agent may do: the requests, already typed and validated, and their outcomes. The catalogue shown to brains
//! and the validation of their arguments live in `agent::tool`; running them, in `pipeline`.

use serde::{Deserialize, Serialize};

use super::Money;
use super::tire::{Availability, Season, Stud, Tire, TireSize, VehicleTires};

/// A validated request. Who calls is never part of it: the pipeline knows the caller from the call itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "tool", rename_all = "snake_case")]
pub enum ToolRequest {
    SearchTires(SearchTires),
    CheckAvailability {
        product_id: String,
        city: Option<String>,
        quantity: u32,
    },
    GetVehicleTireSizes {
        make: String,
        model: String,
        year: u16,
        /// One of the modifications an `AmbiguousVehicle` named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        modification: Option<String>,
    },
    TransferToOperator {
        reason: TransferReason,
        summary: String,
    },
    /// The caller agreed to be called back at the number they call from.
    RequestCallback {
        note: String,
    },
    /// The conversation is over: hang up once the words of this turn were heard.
    EndCall,
    /// What a brain asked for did not pass validation. It is kept as it was asked, and answered with
    /// `ToolOutcome::InvalidArgument`, so that the brain can mend it.
    Unusable {
        name: String,
        arguments: serde_json::Value,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchTires {
    pub size: TireSize,
    pub season: Option<Season>,
    pub stud: Option<Stud>,
    pub brand: Option<String>,
    pub max_price: Option<Money>,
    /// 1 to 20; four where the caller did not say.
    pub quantity: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferReason {
    CallerAsked,
    NotUnderstood,
    ShopUnavailable,
    /// The agent itself failed: its brain or its voice. Never a brain's own reason.
    TechnicalFault,
    Complaint,
    OutOfScope,
    /// Abuse, or a caller in distress: a human decides.
    Sensitive,
}

/// How a tool ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum ToolOutcome {
    /// At most three offers (cheap, middle, premium), best first, and what had to be relaxed to find any.
    Tires {
        offers: Vec<Tire>,
        total: u32,
        relaxed: Vec<Relaxed>,
    },
    Availability {
        availability: Availability,
    },
    VehicleTires {
        found: VehicleTires,
    },
    /// The car has several modifications; the caller must choose.
    AmbiguousVehicle {
        modifications: Vec<String>,
    },
    NotFound,
    /// Transfer, call-back or end of call was set in motion.
    Accepted,
    /// The arguments did not pass validation: which one, and what would.
    InvalidArgument {
        field: String,
        allowed: String,
    },
    Failed {
        failure: ToolFailure,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relaxed {
    Brand,
    Price,
    Stud,
    Stock,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolFailure {
    /// No answer in time, 5xx, or the circuit is open.
    Unavailable,
    /// The key was refused: the owner must act.
    Unauthorised,
    /// The caller gave no number: nobody can call back.
    NoNumber,
    /// The caller's turn was cut before the tool was done.
    Cancelled,
}
