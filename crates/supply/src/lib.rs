#![doc = include_str!("../README.md")]

pub mod bom;
mod licence;
pub mod signature;
