//! Reading and writing descriptions.
