//! The speaker from outside: stories, defects that were found once, and hostile bytes.

mod corpora;
mod defects;
mod hostile;
mod matrix;
mod model;
mod net;
mod pacing;
mod restarts;
mod rfc7606;
mod routes;
mod second_opinion;
mod sessions;
mod stories;
mod topologies;
