mod idempotency;
mod patch;
mod revisions;
