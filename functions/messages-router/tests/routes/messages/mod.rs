mod edit;
mod list;
mod mentions;
mod reactions;
mod send;
mod texts;
