//! `longhaul router` as a process, against neighbours that behave badly.

mod daemon;
mod peer;
mod stories;
