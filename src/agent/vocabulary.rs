//! The words of the shop: which sizes, brands and cars there are and how people call them. Filled by whoever wires the
//! program, from the store's dictionaries; `Vocabulary::default` knows the common ones without any store.

use crate::base::tire::TireSize;

/// What the agent knows of the catalogue before it asks the store.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Vocabulary {
    /// Sizes the catalogue has articles of; empty where unknown, and then every size made counts as possible.
    pub sizes: Vec<TireSize>,
    pub brands: Vec<Named>,
    pub makes: Vec<Make>,
}

/// A name as the store writes it, and how callers say it in any language.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Named {
    pub name: String,
    pub aliases: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Make {
    pub make: Named,
    pub models: Vec<Named>,
}
