//! What the fuzz targets share.

pub mod budget;
pub mod formats;
pub mod keys;
pub mod messages;
pub mod sealing;
pub mod trees;
