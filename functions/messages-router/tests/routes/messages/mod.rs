mod edit;
mod files;
mod list;
mod mentions;
mod reactions;
mod send;
mod texts;
