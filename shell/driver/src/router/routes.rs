//! The routes that are wanted in the kernel, and whether it has them.
//!
//! The kernel takes routes away by itself: with an interface that goes down, with an address. So when
//! interfaces change, or a change of routes failed, it is asked what it has; what is missing is written
//! again, and what nobody wants goes. After a graceful restart (RFC 4724 section 4.1) what the run
//! before has left goes only when the neighbours have told their routes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use ::router::{Change, Fib};
use bgp::Speaker;
use inet::{Instant, Net, Prefix};

use super::kernel::{Kernel, Unsure};
use crate::error::Error;

/// How long after a change of interfaces the kernel is looked at: an interface rarely changes in one
/// step, and routes over one that is down are refused.
const SETTLE: Duration = Duration::from_millis(50);
/// Pause before what failed is done again, doubled each time up to the longest.
const RETRY: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(60);
/// Looks at large tables that take long come so many times rarer.
const REST: u32 = 10;

/// The routes that are wanted in the kernel, and the way there.
pub(super) struct Routes {
    fib: Fib,
    kernel: Kernel,
    /// What the run before has left stays: the neighbours have not told their routes yet.
    restarting: bool,
    /// When the kernel is to be looked at.
    look_at: Option<Instant>,
    /// When the last look ended, and how long it took.
    looked: Option<(Instant, Duration)>,
    /// Prefixes whose last change may have failed.
    unsure: BTreeSet<Prefix>,
    /// Before the next try.
    pause: Duration,
}

impl Routes {
    /// Prepares the machine. What an earlier run left goes at once, unless this one is its restart.
    pub(super) fn prepare(restarting: bool) -> Result<Self, Error> {
        let mut kernel = Kernel::prepare()?;
        if !restarting {
            kernel
                .clear()
                .map_err(Error::system("removing routes that an earlier run left"))?;
        }
        let interfaces = kernel
            .read_interfaces()
            .map_err(Error::system("looking for interfaces"))?;
        Ok(Self {
            fib: Fib::new(interfaces),
            kernel,
            restarting,
            look_at: None,
            looked: None,
            unsure: BTreeSet::new(),
            pause: RETRY,
        })
    }

    /// What is wanted.
    pub(super) const fn fib(&self) -> &Fib {
        &self.fib
    }

    /// The paths in use for a prefix have changed.
    pub(super) fn changed(&mut self, speaker: &Speaker, net: Net) {
        if let Some(change) = self.fib.changed(speaker, net) {
            self.kernel.note(&change);
        }
    }

    /// These are all static routes from now on.
    pub(super) fn set_statics(&mut self, statics: BTreeMap<Prefix, Vec<Ipv4Addr>>) {
        for change in self.fib.set_statics(statics) {
            self.kernel.note(&change);
        }
    }

    /// The neighbours have told their routes after a restart, or have had their time.
    pub(super) fn resumed(&mut self, now: Instant) {
        self.restarting = false;
        self.look_at_once(now);
    }

    /// Waits until an interface or an address came, went or changed.
    pub(super) async fn links(&self) {
        self.kernel.links().await;
    }

    /// Something did.
    pub(super) fn links_changed(&mut self, now: Instant) {
        self.kernel.heard_links();
        self.pause = RETRY;
        let rested = self.looked.map(|(at, took)| at + took * REST);
        self.look_by(rested.unwrap_or(now).max(now + SETTLE));
    }

    /// Has the kernel looked at as soon as [`Self::due`] is called.
    pub(super) fn look_at_once(&mut self, now: Instant) {
        self.look_by(now);
    }

    fn look_by(&mut self, at: Instant) {
        let earlier = self.look_at.map_or(at, |before| before.min(at));
        self.look_at = Some(earlier);
    }

    /// When [`Self::due`] has something to do.
    pub(super) fn wake(&self) -> Option<Instant> {
        match self.kernel.has_more() {
            true => Some(Instant::ZERO),
            false => self.look_at,
        }
    }

    /// Goes on with changes that were too many for one go; else looks at the kernel, if it is time.
    pub(super) fn due(&mut self, now: Instant) {
        if self.kernel.has_more() {
            return self.flush(now);
        }
        if self.look_at.is_none_or(|at| at > now) {
            return;
        }
        self.look_at = None;
        let begun = std::time::Instant::now();
        if let Err(error) = self.look() {
            tracing::error!(%error, "looking at the kernel's routes");
            self.retry(now);
        }
        let took = begun.elapsed();
        self.looked = Some((now + took, took));
        self.flush(now);
    }

    /// Notes all that has to change for the kernel to have what is wanted.
    fn look(&mut self) -> std::io::Result<()> {
        let interfaces = self.kernel.read_interfaces()?;
        for change in self.fib.set_interfaces(interfaces) {
            self.kernel.note(&change);
        }
        let found = self.kernel.routes()?;
        let unsure = std::mem::take(&mut self.unsure);
        for (prefix, next_hops) in self.fib.routes() {
            if !found.contains(&prefix) || unsure.contains(&prefix) {
                let next_hops = next_hops.to_vec();
                self.kernel.note(&Change::Add { prefix, next_hops });
            }
        }
        if !self.restarting {
            let unwanted = found.into_iter().filter(|it| self.fib.route(*it).is_none());
            for prefix in unwanted {
                self.kernel.note(&Change::Remove { prefix });
            }
        }
        Ok(())
    }

    /// Makes the changes that were noted. What fails is tried again later.
    pub(super) fn flush(&mut self, now: Instant) {
        match self.kernel.flush() {
            Ok(()) => {
                if self.unsure.is_empty() && self.look_at.is_none() {
                    self.pause = RETRY;
                }
            }
            Err(Unsure { prefixes, error }) => {
                tracing::error!(%error, again_in = ?self.pause, "changing routes");
                self.unsure.extend(prefixes);
                self.retry(now);
            }
        }
    }

    fn retry(&mut self, now: Instant) {
        self.look_by(now + self.pause);
        self.pause = (self.pause * 2).min(RETRY_MAX);
    }

    /// Takes all routes away.
    pub(super) fn finish(mut self) {
        if let Err(error) = self.kernel.clear() {
            tracing::error!(%error, "removing routes");
        }
    }
}
