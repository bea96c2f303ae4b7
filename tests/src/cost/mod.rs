//! What a month costs at AWS: the calls of each interaction, measured on the local stack, times how often people do it, times list prices.

pub mod measure;
pub mod model;
