//! `longhaul router` as a process, against neighbours that behave badly.

mod daemon;
mod monitored;
mod peer;
mod stories;
