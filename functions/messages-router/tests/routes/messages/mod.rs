mod edit;
mod list;
mod reactions;
mod send;
mod texts;
