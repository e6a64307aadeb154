//! One file for each way to show a report, but the page, which has a room of its own.

pub(in crate::render) mod case;
pub(in crate::render) mod csv;
pub(in crate::render) mod explain;
pub(in crate::render) mod github;
pub(in crate::render) mod hdr;
pub(in crate::render) mod junit;
pub(in crate::render) mod markdown;
pub(in crate::render) mod table;
