//! Model cards: a front matter in YAML and sections in Markdown, as model hubs keep them. A card is read
//! into the row of an import, and a product is written as one that reads back the same.

mod body;
mod emit;
mod metadata;
mod read;
mod sections;
mod tasks;
#[cfg(test)]
mod tests;
mod write;
mod yaml;

pub use metadata::ModelCardMetadata;
pub use read::{LARGEST_FRONT_MATTER, ModelCard, read};
pub(crate) use sections::pointer;
pub use write::write;
