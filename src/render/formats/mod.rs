//! Each format of a report has a file here. Only the page has a folder of its own.

pub(in crate::render) mod bencher;
pub(in crate::render) mod case;
pub(in crate::render) mod csv;
pub(in crate::render) mod explain;
pub(in crate::render) mod github;
pub(in crate::render) mod hdr;
pub(in crate::render) mod junit;
pub(in crate::render) mod markdown;
pub(in crate::render) mod openmetrics;
pub(in crate::render) mod otava_csv;
pub(in crate::render) mod smaller_is_better;
pub(in crate::render) mod table;
