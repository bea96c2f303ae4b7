mod group;
mod list;
mod open;
mod read;
